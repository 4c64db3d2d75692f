package apigw_test

import (
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/disclone/disclone/pkg/channel"
	"github.com/disclone/disclone/pkg/channel/apigw"
	"github.com/disclone/disclone/pkg/channel/layertest"
)

// connections is the @connections API over a memory's channels. The suite on the real thing, sockets and all, is among
// the tests of infra/local.
func connections(memory *channel.Memory) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name, ok := strings.CutPrefix(r.URL.Path, "/prod/@connections/")
		if !ok || r.Method != http.MethodPost {
			refuse(w, http.StatusForbidden, "ForbiddenException")
			return
		}
		payload, err := io.ReadAll(r.Body)
		if err == nil {
			err = memory.Post(r.Context(), name, payload)
		}
		switch {
		case errors.Is(err, channel.ErrGone):
			refuse(w, http.StatusGone, "GoneException")
		case errors.Is(err, channel.ErrTooLarge):
			refuse(w, http.StatusRequestEntityTooLarge, "PayloadTooLargeException")
		case err != nil:
			w.WriteHeader(http.StatusInternalServerError)
		}
	}
}

func refuse(w http.ResponseWriter, status int, kind string) {
	w.Header().Set("X-Amzn-Errortype", kind)
	w.WriteHeader(status)
}

func TestPosterConforms(t *testing.T) {
	t.Parallel()
	layertest.Run(t, func(t *testing.T) layertest.Env {
		memory := channel.NewMemory()
		server := serve(t, connections(memory))
		return layertest.Env{
			Store:  channel.NewMemory(),
			Poster: apigw.New(client(server.URL, apigw.HTTPClient(8))),
			Open: func(testing.TB) string {
				name := rand.Text()[:15] + "="
				memory.Open(name)
				return name
			},
			Receive: memory.Receive,
			Kill:    func(_ testing.TB, name string) { memory.Kill(name) },
		}
	})
}
