// Package sigv4 verifies AWS Signature Version 4 of a request, in its Authorization header or in its query: it signs
// the request again with the SDK's own signer, and compares.
package sigv4

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	algorithm = "AWS4-HMAC-SHA256"
	// skew is how far a signed time may be from now (AWS: 5 minutes for headers).
	skew = 5 * time.Minute
	// longestValid is the longest X-Amz-Expires (7 days).
	longestValid = 7 * 24 * time.Hour
	timeFormat   = "20060102T150405Z"
)

// ErrInvalid means that a request is not signed, or not by a known key, or not for this service, or not now. Its text
// says which; AWS does not tell the client.
var ErrInvalid = errors.New("sigv4: invalid")

// Verifier knows what signatures it takes.
type Verifier struct {
	Region  string
	Service string            // execute-api
	Keys    map[string]string // secret access keys by access key id
	Now     func() time.Time
}

// signature is what a request says of its signature.
type signature struct {
	keyID, scope, date string
	headers            []string
	value              string
	expires            time.Duration
	query              bool
}

// Verify checks a request whose body is body, and gives the access key id that signed it. Its error is [ErrInvalid].
func (v *Verifier) Verify(r *http.Request, body []byte) (keyID string, err error) {
	s, err := read(r)
	if err != nil {
		return "", err
	}
	secret, ok := v.Keys[s.keyID]
	if !ok {
		return "", fmt.Errorf("%w: the access key id %q is not known", ErrInvalid, s.keyID)
	}
	signed, err := time.Parse(timeFormat, s.date)
	if err != nil {
		return "", fmt.Errorf("%w: X-Amz-Date %q", ErrInvalid, s.date)
	}
	if err := v.check(s, signed); err != nil {
		return "", err
	}
	want, err := v.sign(r, s, body, signed, secret)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if subtle.ConstantTimeCompare([]byte(want), []byte(s.value)) != 1 {
		return "", fmt.Errorf("%w: the signature does not match", ErrInvalid)
	}
	return s.keyID, nil
}

// check holds a signature's scope and time against ours.
func (v *Verifier) check(s signature, signed time.Time) error {
	if want := signed.Format("20060102") + "/" + v.Region + "/" + v.Service + "/aws4_request"; s.scope != want {
		return fmt.Errorf("%w: the scope is %q, want %q", ErrInvalid, s.scope, want)
	}
	late := skew
	if s.query {
		late = s.expires
	}
	now := v.Now()
	if now.Before(signed.Add(-skew)) || now.After(signed.Add(late)) {
		return fmt.Errorf("%w: signed at %s, now is %s", ErrInvalid, s.date, now.UTC().Format(timeFormat))
	}
	host := false
	for _, h := range s.headers {
		host = host || h == "host"
	}
	if !host {
		return fmt.Errorf("%w: the host header is not signed", ErrInvalid)
	}
	return nil
}

func read(r *http.Request) (signature, error) {
	if header := r.Header.Get("Authorization"); header != "" {
		return readHeader(r, header)
	}
	query := r.URL.Query()
	if !query.Has("X-Amz-Signature") {
		return signature{}, fmt.Errorf("%w: the request is not signed", ErrInvalid)
	}
	seconds, err := strconv.Atoi(query.Get("X-Amz-Expires"))
	if expires := time.Duration(seconds) * time.Second; err != nil || seconds < 1 || expires > longestValid {
		return signature{}, fmt.Errorf("%w: X-Amz-Expires %q", ErrInvalid, query.Get("X-Amz-Expires"))
	}
	s := signature{
		date: query.Get("X-Amz-Date"), value: query.Get("X-Amz-Signature"), query: true,
		expires: time.Duration(seconds) * time.Second, headers: strings.Split(query.Get("X-Amz-SignedHeaders"), ";"),
	}
	s.keyID, s.scope, _ = strings.Cut(query.Get("X-Amz-Credential"), "/")
	if query.Get("X-Amz-Algorithm") != algorithm {
		return s, fmt.Errorf("%w: X-Amz-Algorithm %q", ErrInvalid, query.Get("X-Amz-Algorithm"))
	}
	return s, nil
}

func readHeader(r *http.Request, header string) (signature, error) {
	fields, ok := strings.CutPrefix(header, algorithm+" ")
	if !ok {
		return signature{}, fmt.Errorf("%w: the Authorization header is not of %s", ErrInvalid, algorithm)
	}
	s := signature{date: r.Header.Get("X-Amz-Date")}
	for field := range strings.SplitSeq(fields, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		switch name {
		case "Credential":
			s.keyID, s.scope, _ = strings.Cut(value, "/")
		case "SignedHeaders":
			s.headers = strings.Split(value, ";")
		case "Signature":
			s.value = value
		}
	}
	return s, nil
}

// sign signs what the client says it has signed.
func (v *Verifier) sign(r *http.Request, s signature, body []byte, at time.Time, secret string) (string, error) {
	again := &http.Request{Method: r.Method, Host: r.Host, Header: http.Header{}, Proto: r.Proto, ProtoMajor: 1, ProtoMinor: 1}
	target := *r.URL
	target.Scheme, target.Host = "https", r.Host
	again.URL = &target
	for _, name := range s.headers {
		switch name {
		case "host":
		case "content-length":
			again.ContentLength = r.ContentLength
		default:
			again.Header[http.CanonicalHeaderKey(name)] = r.Header.Values(name)
		}
	}
	keys := aws.Credentials{AccessKeyID: s.keyID, SecretAccessKey: secret}
	if s.query {
		return v.presign(again, keys, at)
	}
	again.Header.Del("X-Amz-Date") // the signer sets it, and the token
	keys.SessionToken = r.Header.Get("X-Amz-Security-Token")
	again.Header.Del("X-Amz-Security-Token")
	hash := r.Header.Get("X-Amz-Content-Sha256")
	if sum := sha256.Sum256(body); hash == "" {
		hash = hex.EncodeToString(sum[:])
	} else if hash != "UNSIGNED-PAYLOAD" && hash != hex.EncodeToString(sum[:]) {
		return "", errors.New("the body is not the one that was signed")
	}
	if err := v4.NewSigner().SignHTTP(context.Background(), keys, again, hash, v.Service, v.Region, at); err != nil {
		return "", err
	}
	_, value, _ := strings.Cut(again.Header.Get("Authorization"), "Signature=")
	return value, nil
}

// emptyHash is the SHA-256 of nothing: a presigned GET has no body.
var emptyHash = func() string { sum := sha256.Sum256(nil); return hex.EncodeToString(sum[:]) }()

func (v *Verifier) presign(again *http.Request, keys aws.Credentials, at time.Time) (string, error) {
	query := again.URL.Query()
	keys.SessionToken = query.Get("X-Amz-Security-Token")
	for _, name := range []string{"X-Amz-Signature", "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Security-Token"} {
		query.Del(name)
	}
	again.URL.RawQuery = query.Encode()
	signed, _, err := v4.NewSigner().PresignHTTP(context.Background(), keys, again, emptyHash, v.Service, v.Region, at)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(signed)
	if err != nil {
		return "", err
	}
	return u.Query().Get("X-Amz-Signature"), nil
}
