package apigw_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"

	"github.com/disclone/disclone/pkg/channel"
	"github.com/disclone/disclone/pkg/channel/apigw"
)

func client(url string, httpClient aws.HTTPClient) *apigatewaymanagementapi.Client {
	return apigatewaymanagementapi.New(apigatewaymanagementapi.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(url + "/prod"), HTTPClient: httpClient,
		Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
	}) // the SDK's own retries are on: the poster must switch them off
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server
}

func TestPost(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got := fmt.Sprint(r.Method, " ", r.RequestURI, " ", string(body))
		if want := "POST /prod/@connections/R1k-_c2VNjMCFIA%3D héllo"; got != want {
			t.Errorf("request is %q, want %q", got, want)
		}
		if !strings.Contains(r.Header.Get("Authorization"), "/us-east-1/execute-api/aws4_request") {
			t.Errorf("request is signed with %q", r.Header.Get("Authorization"))
		}
	})
	err := apigw.New(client(server.URL, nil)).Post(t.Context(), "R1k-_c2VNjMCFIA=", []byte("héllo"))
	if err != nil {
		t.Error(err)
	}
}

// The answers are those seen on AWS, and the same without the header that gives them a type in the SDK.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		typ    string
		body   string
		want   error
	}{
		{410, "GoneException", "", channel.ErrGone},
		{410, "GoneException", "Gone", channel.ErrGone},
		{410, "", "", channel.ErrGone},
		{429, "LimitExceededException", `{"message":"Too Many Requests"}`, channel.ErrThrottled},
		{429, "", "", channel.ErrThrottled},
		{413, "PayloadTooLargeException", `{"message":"x"}`, channel.ErrTooLarge},
		{413, "", "", channel.ErrTooLarge},
		{403, "ForbiddenException", `{"message":"Forbidden"}`, apigw.ErrForbidden},
		{403, "", `{"message":"Forbidden"}`, apigw.ErrForbidden},
		{400, "BadRequestException", `{"message":"Invalid connectionId: x"}`, apigw.ErrBadConnection},
		{500, "InternalServerError", `{"message":"Internal server error"}`, nil},
		{502, "", "", nil},
		{503, "", "", nil},
		{504, "", "", nil},
	} {
		t.Run(fmt.Sprint(c.status, c.typ, len(c.body)), func(t *testing.T) {
			t.Parallel()
			var posts atomic.Int32
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				posts.Add(1)
				if c.typ != "" {
					w.Header().Set("X-Amzn-Errortype", c.typ)
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			err := apigw.New(client(server.URL, nil)).Post(t.Context(), "c=", []byte("x"))
			check(t, err, c.want)
			if n := posts.Load(); n != 1 {
				t.Errorf("%d posts, want one: a second might deliver twice", n)
			}
		})
	}
}

// check wants err to be want and none of the other errors that mean something.
func check(t *testing.T, err, want error) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, known := range []error{
		channel.ErrGone, channel.ErrThrottled, channel.ErrTooLarge, apigw.ErrForbidden, apigw.ErrBadConnection,
	} {
		if errors.Is(err, known) != (known == want) {
			t.Errorf("error is %v, want %v", err, want)
		}
	}
}

func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		panic(http.ErrAbortHandler) // after the payload arrived
	})
	check(t, apigw.New(client(server.URL, nil)).Post(t.Context(), "c=", []byte("x")), nil)
	if n := calls.Load(); n != 1 {
		t.Errorf("%d posts, want one", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := apigw.New(client(server.URL, nil)).Post(ctx, "c=", []byte("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("under a cancelled context: %v", err)
	}
}

// Many posts at a time, again and again, need no more connections than there are posts at a time.
func TestHTTPClientKeepsConnections(t *testing.T) {
	t.Parallel()
	const parallel, rounds = 40, 4
	var opened atomic.Int32
	together := make(chan struct{}) // lets the posts of a round end only when all have come
	var waiting atomic.Int32
	var mu sync.Mutex
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		mu.Lock()
		wait := together
		if waiting.Add(1)%parallel == 0 {
			close(together)
			together = make(chan struct{})
		}
		mu.Unlock()
		<-wait
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)

	poster := apigw.New(client(server.URL, apigw.HTTPClient(parallel)))
	for range rounds {
		var posts sync.WaitGroup
		for range parallel {
			posts.Go(func() {
				if err := poster.Post(t.Context(), "c=", []byte("x")); err != nil {
					t.Error(err)
				}
			})
		}
		posts.Wait()
	}
	if n := opened.Load(); n > parallel+parallel/4 {
		t.Errorf("%d connections for %d posts at a time", n, parallel)
	}
}

// The SDK's configuration insists on its own kind of client where AWS_CA_BUNDLE is set.
func TestHTTPClientIsBuildable(t *testing.T) {
	t.Parallel()
	var c any = apigw.HTTPClient(8)
	if _, ok := c.(*awshttp.BuildableClient); !ok {
		t.Errorf("client is a %T", c)
	}
	if got := apigw.HTTPClient(500).GetTransport().MaxIdleConns; got < 500 {
		t.Errorf("500 posts at a time and %d idle connections", got)
	}
}
