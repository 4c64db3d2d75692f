package localca_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/disclone/disclone/infra/local/internal/localca"
)

// D8: who trusts the authority's file trusts a server on localhost, also one of a later run; nobody else does.
func TestServer(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "ca")
	first, err := localca.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := localca.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	config, err := again.Server()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = config
	server.StartTLS()
	t.Cleanup(server.Close)
	trusted := x509.NewCertPool()
	text, err := os.ReadFile(first.File)
	if err != nil || !trusted.AppendCertsFromPEM(text) {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}}
	for _, host := range []string{"127.0.0.1", "localhost"} {
		resp, err := client.Get(strings.Replace(server.URL, "127.0.0.1", host, 1))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	if resp, err := http.Get(server.URL); err == nil {
		_ = resp.Body.Close()
		t.Error("a client that does not trust the authority was served")
	}
	info, err := os.Stat(filepath.Join(dir, "ca-key.pem"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v, %v", info, err)
	}
}

func TestBrokenAuthority(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ca.pem"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := localca.Open(dir); err == nil || !strings.Contains(err.Error(), "remove") {
		t.Errorf("%v", err)
	}
}
