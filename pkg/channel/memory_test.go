package channel_test

import (
	"crypto/rand"
	"testing"

	"github.com/disclone/disclone/pkg/channel"
	"github.com/disclone/disclone/pkg/channel/layertest"
)

func TestMemoryConforms(t *testing.T) {
	t.Parallel()
	layertest.Run(t, func(*testing.T) layertest.Env {
		m := channel.NewMemory()
		return layertest.Env{
			Store:  m,
			Poster: m,
			Open: func(testing.TB) string {
				name := rand.Text()[:15] + "="
				m.Open(name)
				return name
			},
			Receive: m.Receive,
			Kill:    func(_ testing.TB, name string) { m.Kill(name) },
		}
	})
}
