package stream_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/disclone/disclone/pkg/stream"
	"github.com/disclone/disclone/pkg/stream/streamtest"
)

func TestMemoryConforms(t *testing.T) {
	t.Parallel()
	streamtest.Run(t, func(*testing.T) stream.Store { return stream.NewMemory() })
}

// A reader goes on from the number up to which it has everything.
func ExampleLog_Since() {
	ctx := context.Background()
	log := stream.New(stream.NewMemory(), nil)
	for _, id := range []string{"m1", "m2", "m2", "m3"} { // m2 was sent twice: its sender saw no answer
		if _, _, err := log.Append(ctx, "general", id, nil); err != nil {
			panic(err)
		}
	}
	page, err := log.Since(ctx, "general", 1, 100)
	if err != nil {
		panic(err)
	}
	for _, e := range page.Entries {
		fmt.Println(e.Seq, e.ID)
	}
	// Output:
	// 2 m2
	// 4 m3
}
