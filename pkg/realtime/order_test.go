package realtime

// The order of a group is not exported; the client around it is tried by infra/chaos and the tests of infra/local.

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func message(seq int64) Message { return Message{Group: "g", Seq: seq} }

func seqs(messages []Message) []int64 {
	var out []int64
	for _, m := range messages {
		out = append(out, m.Seq)
	}
	return out
}

func TestOrderHoldsBackUntilTheFirstAnswer(t *testing.T) {
	t.Parallel()
	var o order
	if got := o.take(message(3)); got != nil || !o.gap() {
		t.Errorf("%v", got)
	}
	if got := seqs(o.resumed(&answer{Seq: 2, Reset: true, Entries: []Message{message(1), message(2)}})); !slices.Equal(got, []int64{1, 2, 3}) {
		t.Errorf("%v", got)
	}
}

func TestOrderBeginsAnewAfterAReset(t *testing.T) {
	t.Parallel()
	var o order
	o.resumed(&answer{Seq: 70, Reset: true})
	if got := seqs(o.resumed(&answer{Seq: 1, Reset: true, Entries: []Message{message(1)}})); !slices.Equal(got, []int64{1}) {
		t.Errorf("%v", got)
	}
	if got := seqs(o.take(message(2))); !slices.Equal(got, []int64{2}) {
		t.Errorf("%v", got)
	}
}

// However messages are lost, repeated and swapped, with answers between that may be old: once, and in order.
func TestOrderOfAnything(t *testing.T) {
	t.Parallel()
	const n = 40
	for seed := range uint64(500) {
		random := rand.New(rand.NewPCG(seed, 0))
		var o order
		got := seqs(o.resumed(&answer{Reset: true}))
		for range 3 * n {
			if random.IntN(4) > 0 {
				got = append(got, seqs(o.take(message(random.Int64N(n)+1)))...)
				continue
			}
			from := random.Int64N(o.last + 1) // an answer may have been asked for long ago
			a := &answer{Seq: min(n, from+random.Int64N(9))}
			for seq := from + 1; seq <= a.Seq; seq++ {
				a.Entries = append(a.Entries, message(seq))
			}
			got = append(got, seqs(o.resumed(a))...)
		}
		a := &answer{Seq: n}
		for seq := o.last + 1; seq <= n; seq++ {
			a.Entries = append(a.Entries, message(seq))
		}
		got = append(got, seqs(o.resumed(a))...)
		for i, seq := range got {
			if seq != int64(i+1) {
				t.Fatalf("seed %d: %v", seed, got)
			}
		}
		if len(got) != n {
			t.Fatalf("seed %d: %d messages, want %d", seed, len(got), n)
		}
	}
}
