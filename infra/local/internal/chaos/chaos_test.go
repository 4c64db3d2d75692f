package chaos_test

import (
	"errors"
	"testing"

	"github.com/disclone/disclone/infra/local/internal/chaos"
)

// J17: the same seed makes the same decisions of a kind, whatever the other kinds do.
func TestSameSeedRepeats(t *testing.T) {
	t.Parallel()
	decisions := func(between chaos.Fault) (hits []bool) {
		c, err := chaos.Parse("seed=7,kill=0.3,post-410=0.5")
		if err != nil {
			t.Fatal(err)
		}
		for range 200 {
			hits = append(hits, c.Hit(chaos.Kill))
			c.Hit(between)
		}
		return hits
	}
	first, second := decisions(chaos.Post410), decisions(chaos.Cold)
	count := 0
	for i := range first {
		if first[i] != second[i] {
			t.Fatalf("decision %d differs", i)
		}
		if first[i] {
			count++
		}
	}
	if count < 30 || count > 90 {
		t.Errorf("%d of 200 at a rate of 0.3", count)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	c, err := chaos.Parse("seed=3,latency=20ms,reorder=1")
	if err != nil {
		t.Fatal(err)
	}
	if got := c.String(); got != "seed=3,latency=20ms,reorder=1" {
		t.Errorf("%s", got)
	}
	if !c.Hit(chaos.Reorder) || c.Hit(chaos.Kill) || c.Injected()["reorder"] != 1 {
		t.Errorf("a rate of 1 always hits, one of 0 never: %v", c.Injected())
	}
	for _, bad := range []string{"", "kill", "kill=2", "kill=x", "kill=NaN", "kil=0.1", "seed=x", "latency=5", "latency=-1s"} {
		if _, err := chaos.Parse(bad); !errors.Is(err, chaos.ErrInvalid) {
			t.Errorf("%q: %v, want ErrInvalid", bad, err)
		}
	}
}

func TestNilInjectsNothing(t *testing.T) {
	t.Parallel()
	var c *chaos.Chaos
	c.Hop(t.Context())
	if c.Hit(chaos.Kill) || c.Wait(t.Context(), chaos.Reorder) {
		t.Error("a nil Chaos has hit")
	}
}
