package layertest_test

import (
	"crypto/rand"
	"testing"

	"github.com/disclone/disclone/pkg/channel"
	"github.com/disclone/disclone/pkg/channel/layertest"
)

// A new store is tried with the memory's channels in place of connections.
func ExampleRun() {
	newStore := func() channel.Store { return channel.NewMemory() } // the store to try

	_ = func(t *testing.T) { // func TestStoreConforms(t *testing.T)
		layertest.Run(t, func(*testing.T) layertest.Env {
			memory := channel.NewMemory()
			return layertest.Env{
				Store:  newStore(),
				Poster: memory,
				Open: func(testing.TB) string {
					name := rand.Text()[:15] + "=" // as a connection id
					memory.Open(name)
					return name
				},
				Receive: memory.Receive,
				Kill:    func(_ testing.TB, name string) { memory.Kill(name) },
			}
		})
	}
	// Output:
}
