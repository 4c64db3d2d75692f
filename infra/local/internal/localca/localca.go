// Package localca makes certificates for this machine, so that code which builds https:// and wss:// URLs from a domain
// name works against the local runtime as it does on AWS. Its authority is made once and kept in a directory; only who
// trusts its certificate file trusts it.
package localca

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

const (
	authorityLife = 10 * 365 * 24 * time.Hour
	serverLife    = 397 * 24 * time.Hour // more is refused by browsers
	skew          = time.Hour            // a certificate is valid from so long ago, for clocks that differ
)

// CA is a certificate authority of this machine.
type CA struct {
	// File is the authority's certificate: what clients must trust.
	File string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// Open reads the authority in dir, or makes it: ca.pem, and ca-key.pem that only the user can read.
func Open(dir string) (*CA, error) {
	ca := &CA{File: filepath.Join(dir, "ca.pem")}
	keyFile := filepath.Join(dir, "ca-key.pem")
	certPEM, err := os.ReadFile(ca.File)
	if errors.Is(err, fs.ErrNotExist) {
		return ca, ca.create(dir, keyFile)
	}
	if err != nil {
		return nil, fmt.Errorf("local CA: %w", err)
	}
	keyPEM, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, fmt.Errorf("local CA: %w; remove %s to make another", err, ca.File)
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("local CA: %s: %w; remove it to make another", ca.File, err)
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if ca.cert, err = x509.ParseCertificate(pair.Certificate[0]); err != nil || !ok {
		return nil, fmt.Errorf("local CA: %s is not what was made here; remove it to make another", ca.File)
	}
	ca.key = key
	return ca, nil
}

func (ca *CA) create(dir, keyFile string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("local CA: %w", err)
	}
	host, _ := os.Hostname() // only a name
	template, err := certificate("disclone local CA on "+host, authorityLife)
	if err != nil {
		return fmt.Errorf("local CA: %w", err)
	}
	template.IsCA, template.BasicConstraintsValid, template.MaxPathLenZero = true, true, true
	template.KeyUsage = x509.KeyUsageCertSign
	// It can vouch for this machine only.
	template.PermittedDNSDomainsCritical = true
	template.PermittedDNSDomains = []string{"localhost"}
	template.PermittedIPRanges = []*net.IPNet{{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)}, {IP: net.IPv6loopback, Mask: net.CIDRMask(128, 128)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return fmt.Errorf("local CA: %w", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("local CA: %w", err)
	}
	ca.key = key
	if ca.cert, err = x509.ParseCertificate(der); err != nil {
		return fmt.Errorf("local CA: %w", err)
	}
	return errors.Join(os.MkdirAll(dir, 0o700), writePEM(keyFile, "PRIVATE KEY", keyDER, 0o600), writePEM(ca.File, "CERTIFICATE", der, 0o644))
}

// Server gives the TLS settings of a server on localhost and the loopback addresses.
func (ca *CA) Server() (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("local CA: %w", err)
	}
	template, err := certificate("localhost", serverLife)
	if err != nil {
		return nil, fmt.Errorf("local CA: %w", err)
	}
	template.DNSNames = []string{"localhost"}
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	template.KeyUsage, template.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, &key.PublicKey, ca.key)
	if err != nil {
		return nil, fmt.Errorf("local CA: %w", err)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der, ca.cert.Raw}, PrivateKey: key}},
		MinVersion:   tls.VersionTLS12, NextProtos: []string{"http/1.1"}, // WebSocket handshakes are HTTP/1.1
	}, nil
}

func certificate(name string, life time.Duration) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name, Organization: []string{"disclone local runtime"}},
		NotBefore: now.Add(-skew), NotAfter: now.Add(life),
	}, nil
}

func writePEM(file, kind string, der []byte, mode fs.FileMode) error {
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode)
}
