// Package streamtest is the conformance suite of stream stores: what package stream promises, tried on a store. A store is
// done when it passes [Run].
package streamtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/disclone/disclone/pkg/stream"
)

// Run tries a store. open gives the one to try; it is called once for each case.
func Run(t *testing.T, open func(t *testing.T) stream.Store) {
	for name, test := range map[string]func(*suite){
		"NumbersCountFromOne": (*suite).numbersCountFromOne, "AppendIsIdempotent": (*suite).appendIsIdempotent,
		"OneWinnerOfAnID": (*suite).oneWinnerOfAnID, "ManyAppendWithoutHoles": (*suite).manyAppendWithoutHoles,
		"Pages": (*suite).pages, "OldHoleIsFilled": (*suite).oldHoleIsFilled, "YoungHoleEndsThePage": (*suite).youngHoleEndsThePage,
		"WriterIsTooLate": (*suite).writerIsTooLate, "LostBeginning": (*suite).lostBeginning, "StreamsAreApart": (*suite).streamsAreApart,
		"Limits": (*suite).limits, "ReadersSeeOneOrder": (*suite).readersSeeOneOrder,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &suite{T: t, store: open(t), name: "s-" + rand.Text(), now: time.Now()}
			s.log = stream.New(s.store, &stream.Options{Now: func() time.Time { return s.now }})
			test(s)
		})
	}
}

type suite struct {
	*testing.T
	store stream.Store
	log   *stream.Log
	name  string
	now   time.Time
}

func (s *suite) append(ids ...string) {
	s.Helper()
	for _, id := range ids {
		if _, _, err := s.log.Append(s.Context(), s.name, id, []byte("data of "+id)); err != nil {
			s.Fatal(err)
		}
	}
}

// crash takes a number as a writer does that dies before it writes.
func (s *suite) crash() int64 {
	s.Helper()
	seq, err := s.store.Next(s.Context(), s.name)
	if err != nil {
		s.Fatal(err)
	}
	return seq
}

func (s *suite) since(after int64, limit int) stream.Page {
	s.Helper()
	page, err := s.log.Since(s.Context(), s.name, after, limit)
	if err != nil {
		s.Fatal(err)
	}
	return page
}

func show(p stream.Page) string {
	var out []string
	for _, e := range p.Entries {
		out = append(out, fmt.Sprintf("%d:%s", e.Seq, e.ID))
	}
	text := fmt.Sprintf("[%s] to %d", strings.Join(out, " "), p.Seq)
	if p.Lost {
		text += " lost"
	}
	if p.More {
		text += " more"
	}
	return text
}

func (s *suite) want(got stream.Page, want string) {
	s.Helper()
	if show(got) != want {
		s.Errorf("got %s, want %s", show(got), want)
	}
}

func (s *suite) numbersCountFromOne() {
	s.append("a", "b", "c")
	page := s.since(0, 10)
	s.want(page, "[1:a 2:b 3:c] to 3")
	if e := page.Entries[1]; string(e.Data) != "data of b" || !e.At.Equal(s.now.Truncate(time.Millisecond)) {
		s.Errorf("%+v", e)
	}
	s.want(s.since(3, 10), "[] to 3")
}

func (s *suite) appendIsIdempotent() {
	s.append("a", "b")
	again, isNew, err := s.log.Append(s.Context(), s.name, "a", []byte("other data"))
	if err != nil || isNew || again.Seq != 1 || string(again.Data) != "data of a" {
		s.Errorf("%+v, new %v, %v", again, isNew, err)
	}
	s.append("c")
	s.want(s.since(0, 10), "[1:a 2:b 4:c] to 4") // the number of the second try is a hole that was filled
	s.want(s.since(2, 10), "[4:c] to 4")
	s.want(s.since(3, 10), "[4:c] to 4")
}

func (s *suite) oneWinnerOfAnID() {
	var mu sync.Mutex
	seqs := map[int64]bool{}
	winners := 0
	s.together(8, func(i int) error {
		e, isNew, err := s.log.Append(s.Context(), s.name, "same", fmt.Appendf(nil, "%d", i))
		mu.Lock()
		defer mu.Unlock()
		seqs[e.Seq] = true
		if isNew {
			winners++
		}
		return err
	})
	if winners != 1 || len(seqs) != 1 {
		s.Errorf("%d winners, numbers %v", winners, seqs)
	}
}

func (s *suite) together(n int, f func(i int) error) {
	s.Helper()
	var wg sync.WaitGroup
	errs := make([]error, n)
	for i := range n {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		s.Fatal(err)
	}
}

func (s *suite) manyAppendWithoutHoles() {
	const writers, each = 8, 25
	s.together(writers, func(i int) error {
		for n := range each {
			if _, isNew, err := s.log.Append(s.Context(), s.name, fmt.Sprintf("%d-%d", i, n), nil); err != nil || !isNew {
				return fmt.Errorf("new %v, %w", isNew, err)
			}
		}
		return nil
	})
	page := s.since(0, stream.MaxPage)
	if len(page.Entries) != writers*each || page.Seq != writers*each {
		s.Fatalf("%d entries to %d", len(page.Entries), page.Seq)
	}
	last := map[string]string{}
	for _, e := range page.Entries { // each writer's are in its order
		writer, n, _ := strings.Cut(e.ID, "-")
		if len(n) < len(last[writer]) || (len(n) == len(last[writer]) && n <= last[writer]) {
			s.Errorf("%s of writer %s after %s", n, writer, last[writer])
		}
		last[writer] = n
	}
}

func (s *suite) pages() {
	s.append("a", "b", "c", "d", "e")
	s.want(s.since(0, 2), "[1:a 2:b] to 2 more")
	s.want(s.since(2, 2), "[3:c 4:d] to 4 more")
	s.want(s.since(4, 2), "[5:e] to 5")
	latest, err := s.log.Latest(s.Context(), s.name, 2)
	if err != nil || len(latest.Entries) != 2 || latest.Entries[0].ID != "d" || latest.Seq != 5 {
		s.Errorf("latest %s, %v", show(latest), err)
	}
	before, err := s.log.Before(s.Context(), s.name, 4, 2)
	if err != nil || len(before.Entries) != 2 || before.Entries[0].ID != "b" || before.Entries[1].ID != "c" {
		s.Errorf("before %s, %v", show(before), err)
	}
	none, err := s.log.Latest(s.Context(), s.name+"-empty", 2)
	if err != nil || len(none.Entries) != 0 || none.Seq != 0 {
		s.Errorf("latest of nothing %s, %v", show(none), err)
	}
}

func (s *suite) oldHoleIsFilled() {
	s.append("a")
	s.crash()
	s.crash()
	s.append("b")
	s.now = s.now.Add(time.Minute)
	s.want(s.since(0, 10), "[1:a 4:b] to 4")
	s.want(s.since(1, 10), "[4:b] to 4")
	latest, err := s.log.Latest(s.Context(), s.name, 10)
	if err != nil {
		s.Fatal(err)
	}
	s.want(stream.Page{Entries: latest.Entries, Seq: latest.Seq}, "[1:a 4:b] to 4")
}

func (s *suite) youngHoleEndsThePage() {
	s.append("a")
	s.crash()
	s.append("b")
	s.want(s.since(0, 10), "[1:a] to 1 more")
	s.now = s.now.Add(time.Minute)
	s.want(s.since(1, 10), "[3:b] to 3")
}

// A writer that comes back after its number was filled takes another: its entry comes after what readers have seen.
func (s *suite) writerIsTooLate() {
	seq := s.crash()
	s.append("b")
	s.now = s.now.Add(time.Minute)
	s.want(s.since(0, 10), "[2:b] to 2")
	late := stream.Entry{Seq: seq, ID: "late", At: s.now}
	if err := s.store.Put(s.Context(), s.name, late, s.now.Add(time.Hour)); !errors.Is(err, stream.ErrTaken) {
		s.Errorf("%v, want ErrTaken", err)
	}
	s.append("late")
	s.want(s.since(2, 10), "[3:late] to 3")
}

// Who asks from a number that is no longer there is told so: it may have missed something.
func (s *suite) lostBeginning() {
	s.append("a")
	s.want(s.since(7, 10), "[] to 7 lost")
}

func (s *suite) streamsAreApart() {
	s.append("a")
	other := *s
	other.name += "#a"
	other.append("a", "b")
	s.want(s.since(0, 10), "[1:a] to 1")
	s.want(other.since(0, 10), "[1:a 2:b] to 2")
}

func (s *suite) limits() {
	long := strings.Repeat("x", stream.MaxName)
	for name, tc := range map[string]struct {
		stream, id string
		data       []byte
		want       error
	}{
		"largest": {long, long, make([]byte, stream.MaxData), nil}, "data": {"s", "i", make([]byte, stream.MaxData+1), stream.ErrTooLarge},
		"name": {long + "x", "i", nil, stream.ErrBadName}, "no name": {"", "i", nil, stream.ErrBadName},
		"id": {"s", long + "x", nil, stream.ErrBadName}, "no id": {"s", "", nil, stream.ErrBadName},
	} {
		if _, _, err := s.log.Append(s.Context(), tc.stream, tc.id, tc.data); !errors.Is(err, tc.want) {
			s.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
}

// Readers that follow while writers write, and some of them die, see every entry once and in the same order.
func (s *suite) readersSeeOneOrder() {
	const writers, each, readers = 4, 20, 3
	log := stream.New(s.store, &stream.Options{Grace: time.Millisecond}) // readers fill while writers write
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	seen := make([][]string, readers)
	s.together(writers+readers, func(i int) error {
		if i < writers {
			return s.write(ctx, log, i, each)
		}
		for after := int64(0); len(seen[i-writers]) < writers*each; {
			page, err := log.Since(ctx, s.name, after, 7)
			if err != nil || page.Lost {
				return fmt.Errorf("lost %v, %w", page.Lost, err)
			}
			for _, e := range page.Entries {
				seen[i-writers] = append(seen[i-writers], e.ID)
			}
			after = page.Seq
		}
		return nil
	})
	for _, ids := range seen {
		if !slices.Equal(ids, seen[0]) {
			s.Errorf("two orders: %v and %v", ids, seen[0])
		}
	}
	slices.Sort(seen[0])
	if len(slices.Compact(seen[0])) != writers*each {
		s.Errorf("%d different entries, want %d", len(slices.Compact(seen[0])), writers*each)
	}
}

func (s *suite) write(ctx context.Context, log *stream.Log, writer, n int) error {
	for i := range n {
		if i%5 == writer {
			if _, err := s.store.Next(ctx, s.name); err != nil { // another writer died here
				return err
			}
		}
		if _, _, err := log.Append(ctx, s.name, fmt.Sprintf("%d-%d", writer, i), nil); err != nil {
			return err
		}
	}
	return nil
}
