package apigw_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/disclone/disclone/pkg/channel"
	"github.com/disclone/disclone/pkg/channel/apigw"
)

// BenchmarkGroupSend reports deliveries per second, next to those of bare HTTP posts with as many at a time.
func BenchmarkGroupSend(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	b.Cleanup(server.Close)
	payload := []byte(strings.Repeat("x", 200))
	sdk := apigw.New(client(server.URL, apigw.HTTPClient(channel.DefaultParallel)))
	bare := &http.Client{Transport: apigw.HTTPClient(channel.DefaultParallel).GetTransport()}
	posters := map[string]channel.Poster{
		"sdk": sdk,
		"bare": channel.PosterFunc(func(ctx context.Context, name string, payload []byte) error {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+"/"+name, bytes.NewReader(payload))
			if err != nil {
				return err
			}
			resp, err := bare.Do(req)
			if err != nil {
				return err
			}
			return resp.Body.Close()
		}),
	}
	for _, members := range []int{1, 10, 100, 1000} {
		for _, name := range []string{"bare", "sdk"} {
			b.Run(fmt.Sprintf("%s/%d", name, members), func(b *testing.B) {
				store := channel.NewMemory()
				l := channel.New(store, posters[name], nil)
				for i := range members {
					if err := l.GroupAdd(b.Context(), "g", fmt.Sprintf("R1kmxc2VN%05d=", i)); err != nil {
						b.Fatal(err)
					}
				}
				for b.Loop() {
					if r, err := l.GroupSend(b.Context(), "g", payload, nil); err != nil || r.Sent != members {
						b.Fatal(r, err)
					}
				}
				b.ReportMetric(float64(members*b.N)/b.Elapsed().Seconds(), "deliveries/s")
			})
		}
	}
}
