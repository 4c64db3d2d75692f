package main

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/coder/websocket"
)

// TestMixedTemplate runs a template in two languages over TLS, with time running sixty times as fast: an authorizer, code
// that builds its endpoint from the event (D8), a stream with a filter, and a schedule.
func TestMixedTemplate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text, err := os.ReadFile("testdata/mixed.yaml")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "template.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	sys, stop := startSystem(t, "--template", path, "--tls", "--speed", "60")
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("the runtime ended with: %v", err)
		}
	})
	authority, err := os.ReadFile(filepath.Join(dir, ".local", "ca", "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(authority)
	opts := &websocket.DialOptions{HTTPClient: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}}}

	for token, status := range map[string]int{"": 401, "unknown": 401, "stranger": 403} {
		_, resp, err := websocket.Dial(t.Context(), sys.url+"?token="+token, opts)
		if resp == nil || resp.StatusCode != status {
			t.Errorf("token %q: %v, %v, want %d", token, resp, err, status)
		}
	}
	conn, _, err := websocket.Dial(t.Context(), sys.url+"?token=user-ann", opts)
	if err != nil {
		t.Fatalf("%v\n%s", err, sys.log)
	}
	defer conn.CloseNow()
	for message, want := range map[string]string{`{"action":"whoami"}`: `{"name":"ann"}`, `{"action":"push","text":"hi"}`: `{"pushed":"hi"}`} {
		if err := conn.Write(t.Context(), websocket.MessageText, []byte(message)); err != nil {
			t.Fatal(err)
		}
		if _, got, err := conn.Read(t.Context()); string(got) != want {
			t.Errorf("%s: %q, %v, want %q\n%s", message, got, err, want, sys.log)
		}
	}
	putItems(t, sys, "hidden-1", "seen-1", "seen-2")
	for _, line := range []string{"Changed: changed INSERT seen-1", "Changed: changed INSERT seen-2", "Clock: tick aws.events Scheduled Event"} {
		if !sys.log.wait(func(s string) bool { return strings.Contains(s, line) }, nil) {
			t.Fatalf("no line %q:\n%s", line, sys.log)
		}
	}
	if strings.Contains(sys.log.String(), "hidden-1") {
		t.Error("the filter let a record through")
	}
}

// putItems writes items through the endpoint that the runtime has printed.
func putItems(t *testing.T, sys *system, ids ...string) {
	t.Helper()
	url := regexp.MustCompile(`export AWS_ENDPOINT_URL_DYNAMODB=(\S+)`).FindStringSubmatch(sys.log.String())
	client := dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(url[1]), Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	for _, id := range ids {
		if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{
			TableName: aws.String("Table"), Item: map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: id}},
		}); err != nil {
			t.Fatal(err)
		}
	}
}
