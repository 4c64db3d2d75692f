package sigv4_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/disclone/disclone/infra/local/internal/sigv4"
)

var now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func hash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

func signed(t *testing.T, keys aws.Credentials, service string, body []byte) *http.Request {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "https://localhost:3001/prod/@connections/L0SM9cOFvHcCIhw%3D?b=2&a=x%20y", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/octet-stream")
	if err := v4.NewSigner().SignHTTP(context.Background(), keys, r, hash(body), service, "eu-west-1", now); err != nil {
		t.Fatal(err)
	}
	return r
}

func verifier(at time.Time) *sigv4.Verifier {
	return &sigv4.Verifier{Region: "eu-west-1", Service: "execute-api", Keys: map[string]string{"local": "secret"}, Now: func() time.Time { return at }}
}

// C10: a signature in the header.
func TestHeader(t *testing.T) {
	t.Parallel()
	keys := aws.Credentials{AccessKeyID: "local", SecretAccessKey: "secret", SessionToken: "token"}
	body := []byte("hello")
	if id, err := verifier(now).Verify(signed(t, keys, "execute-api", body), body); err != nil || id != "local" {
		t.Fatalf("%q, %v", id, err)
	}
	for name, tc := range map[string]struct {
		keys    aws.Credentials
		service string
		body    string
		at      time.Time
		change  func(r *http.Request)
	}{
		"secret":  {keys: aws.Credentials{AccessKeyID: "local", SecretAccessKey: "other"}},
		"key":     {keys: aws.Credentials{AccessKeyID: "other", SecretAccessKey: "secret"}},
		"service": {service: "lambda"},
		"body":    {body: "other"},
		"late":    {at: now.Add(6 * time.Minute)},
		"early":   {at: now.Add(-6 * time.Minute)},
		"path":    {change: func(r *http.Request) { r.URL.Path = "/prod/@connections/other" }},
		"query":   {change: func(r *http.Request) { r.URL.RawQuery = "b=3" }},
		"method":  {change: func(r *http.Request) { r.Method = http.MethodDelete }},
		"header":  {change: func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }},
		"none":    {change: func(r *http.Request) { r.Header.Del("Authorization") }},
		"garbage": {change: func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 x") }},
		"bearer":  {change: func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, service, at, sent := keys, "execute-api", now, body
			if tc.keys.AccessKeyID != "" {
				k = tc.keys
			}
			if tc.service != "" {
				service = tc.service
			}
			if !tc.at.IsZero() {
				at = tc.at
			}
			r := signed(t, k, service, body)
			if tc.body != "" {
				sent = []byte(tc.body)
			}
			if tc.change != nil {
				tc.change(r)
			}
			if _, err := verifier(at).Verify(r, sent); !errors.Is(err, sigv4.ErrInvalid) {
				t.Errorf("%v, want ErrInvalid", err)
			}
		})
	}
}

// C10: a signature in the query, as a browser needs it for wss.
func TestQuery(t *testing.T) {
	t.Parallel()
	presigned := func(t *testing.T) *http.Request {
		r := httptest.NewRequest(http.MethodGet, "https://localhost:3001/prod?X-Amz-Expires=60&room=a", nil)
		url, _, err := v4.NewSigner().PresignHTTP(context.Background(), aws.Credentials{AccessKeyID: "local", SecretAccessKey: "secret", SessionToken: "tok/en="},
			r, hash(nil), "execute-api", "eu-west-1", now)
		if err != nil {
			t.Fatal(err)
		}
		return httptest.NewRequest(http.MethodGet, url, nil)
	}
	if _, err := verifier(now.Add(59*time.Second)).Verify(presigned(t), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := verifier(now.Add(61*time.Second)).Verify(presigned(t), nil); !errors.Is(err, sigv4.ErrInvalid) {
		t.Errorf("expired: %v, want ErrInvalid", err)
	}
	changed := presigned(t)
	q := changed.URL.Query()
	q.Set("room", "b")
	changed.URL.RawQuery = q.Encode()
	if _, err := verifier(now).Verify(changed, nil); !errors.Is(err, sigv4.ErrInvalid) {
		t.Errorf("changed: %v, want ErrInvalid", err)
	}
}
