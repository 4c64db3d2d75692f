package layertest

import (
	"fmt"
	"slices"
	"time"

	"github.com/disclone/disclone/pkg/channel"
)

func membershipCases() []testCase {
	return []testCase{
		{"add twice is once", addTwice},
		{"discard", discard},
		{"groups with a common prefix stay apart", groupPrefixes},
		{"channels with a common prefix stay apart", channelPrefixes},
		{"drop leaves all groups", dropAll},
		{"rejoin after drop", rejoin},
		{"expiry", expiry},
		{"adding again renews", renew},
		{"pages of members", pages},
		{"store pages", storePages},
		{"members can be left early", leaveEarly},
		{"count and page", countAndPage},
		{"empty group", emptyGroup},
	}
}

func addTwice(s *suite) {
	l, g, ch := s.layer(channel.Options{}), s.group("g"), s.open(1)[0]
	s.add(l, g, ch, ch)
	s.wantMembers(l, g, ch)
	s.groupSend(l, g, "hello", channel.Report{Sent: 1})
	s.wantOnly(ch, "hello")
	s.must(l.GroupDiscard(s.ctx, g, ch))
	s.wantMembers(l, g)
}

func discard(s *suite) {
	l, g, chs := s.layer(channel.Options{}), s.group("g"), s.open(3)
	s.must(l.GroupDiscard(s.ctx, g, chs[0])) // no such group
	s.add(l, g, chs[:2]...)
	s.must(l.GroupDiscard(s.ctx, g, chs[2])) // not in it
	s.wantMembers(l, g, chs[:2]...)
	s.must(l.GroupDiscard(s.ctx, g, chs[0]))
	s.wantMembers(l, g, chs[1])
	if s.has(l, g, chs[0]) || !s.has(l, g, chs[1]) {
		s.Fatal("Has does not see the discard")
	}
	s.groupSend(l, g, "hello", channel.Report{Sent: 1})
	s.wantOnly(chs[0])
	s.wantOnly(chs[1], "hello")
}

func groupPrefixes(s *suite) {
	l, base, chs := s.layer(channel.Options{}), s.group("room"), s.open(5)
	groups := []string{base, base + ".1", base + ".10", base + "-1", base + "="}
	for i, g := range groups {
		s.add(l, g, chs[i])
	}
	for i, g := range groups {
		s.wantMembers(l, g, chs[i])
		s.groupSend(l, g, "to "+g, channel.Report{Sent: 1})
	}
	for i, g := range groups {
		s.wantOnly(chs[i], "to "+g)
	}
}

func channelPrefixes(s *suite) {
	l, g, base := s.layer(channel.Options{PageSize: 1}), s.group("g"), s.group("c")
	names := []string{base, base + "-", base + "=", base + ".", base + "a", base + "A", base + "_", base + "0"}
	s.add(l, g, names...)
	s.wantMembers(l, g, names...)
	if s.has(l, g, base+"--") || s.has(l, g, base[:len(base)-1]) {
		s.Fatal("Has finds a channel by a part of its name")
	}
	s.must(l.GroupDiscard(s.ctx, g, base))
	s.wantMembers(l, g, names[1:]...)
	s.drop(l, base+"-", g)
	s.wantMembers(l, g, names[2:]...)
}

func dropAll(s *suite) {
	l, chs := s.layer(channel.Options{}), s.open(2)
	groups := make([]string, 60) // more than two batches of DynamoDB
	for i := range groups {
		groups[i] = s.group(fmt.Sprintf("g%d", i))
		s.add(l, groups[i], chs...)
	}
	s.drop(l, chs[0], groups...)
	for _, g := range groups {
		s.wantMembers(l, g, chs[1])
	}
	s.must(l.Drop(s.ctx, chs[0])) // in no group
	s.groupSend(l, groups[59], "hello", channel.Report{Sent: 1})
	s.wantOnly(chs[0])
	s.wantOnly(chs[1], "hello")
}

func rejoin(s *suite) {
	l, g, ch := s.layer(channel.Options{}), s.group("g"), s.open(1)[0]
	s.add(l, g, ch)
	s.drop(l, ch, g)
	s.groupSend(l, g, "missed", channel.Report{})
	s.add(l, g, ch)
	s.groupSend(l, g, "hello", channel.Report{Sent: 1})
	s.wantOnly(ch, "hello")
}

func expiry(s *suite) {
	l, g, chs := s.layer(channel.Options{Expiry: time.Hour}), s.group("g"), s.open(2)
	s.add(l, g, chs[0])
	s.advance(30 * time.Minute)
	s.add(l, g, chs[1])
	s.wantMembers(l, g, chs...)
	s.advance(31 * time.Minute)
	s.wantMembers(l, g, chs[1])
	if s.has(l, g, chs[0]) || !s.has(l, g, chs[1]) {
		s.Fatal("Has does not see the expiry")
	}
	s.groupSend(l, g, "hello", channel.Report{Sent: 1})
	s.wantOnly(chs[0])
	s.wantOnly(chs[1], "hello")
}

func renew(s *suite) {
	l, g, ch := s.layer(channel.Options{Expiry: time.Hour}), s.group("g"), s.open(1)[0]
	s.add(l, g, ch)
	s.advance(50 * time.Minute)
	s.add(l, g, ch)
	s.advance(50 * time.Minute)
	s.wantMembers(l, g, ch)
	s.advance(11 * time.Minute)
	s.wantMembers(l, g)
	s.add(l, g, ch) // after it has expired
	s.groupSend(l, g, "hello", channel.Report{Sent: 1})
	s.wantOnly(ch, "hello")
}

func pages(s *suite) {
	chs := s.open(12)
	for _, size := range []int{1, 4, 5, 12, 13} { // some of them divide 12
		l, g := s.layer(channel.Options{PageSize: size}), s.group(fmt.Sprintf("g%d", size))
		s.add(l, g, chs...)
		s.wantMembers(l, g, chs...)
		s.groupSend(l, g, g, channel.Report{Sent: 12})
	}
	for _, ch := range chs {
		s.wantOnly(ch, s.group("g1"), s.group("g4"), s.group("g5"), s.group("g12"), s.group("g13"))
	}
}

// storePages tries what the layer relies on in a store's Members.
func storePages(s *suite) {
	g, expires := s.group("g"), s.now().Add(time.Hour).Truncate(time.Second)
	names := []string{"-a=", ".b=", "0c=", "=d=", "Ae=", "_f=", "ag=", "ah="} // in the order of their bytes
	for _, i := range []int{3, 0, 7, 1, 6, 2, 5, 4} {
		s.must(s.env.Store.Add(s.ctx, g, names[i], expires))
	}
	for i, name := range names {
		got, next, err := s.env.Store.Members(s.ctx, g, name, 1)
		s.must(err)
		if len(got) != 1 || got[0].Channel != name || !got[0].Expires.Equal(expires) {
			s.Fatalf("page of one from %q is %v, want %q that expires at %v", name, got, name, expires)
		}
		if i < len(names)-1 && (next <= name || next > names[i+1]) {
			s.Fatalf("after %q comes next %q, want more than it and at most %q", name, next, names[i+1])
		}
	}
	got, _, err := s.env.Store.Members(s.ctx, g, "B", 3) // between two names
	s.must(err)
	if len(got) != 3 || got[0].Channel != "_f=" || got[2].Channel != "ah=" {
		s.Fatalf(`page of three from "B" is %v`, got)
	}
	if got, next, err := s.env.Store.Members(s.ctx, g, "b", 3); err != nil || len(got) != 0 || next != "" {
		s.Fatalf("page after the last member is %v, next %q, error %v", got, next, err)
	}
}

func leaveEarly(s *suite) {
	l, g, chs := s.layer(channel.Options{PageSize: 2}), s.group("g"), s.open(5)
	s.add(l, g, chs...)
	seen := []string{}
	for name, err := range l.Members(s.ctx, g) {
		s.must(err)
		if seen = append(seen, name); len(seen) == 3 {
			break
		}
	}
	if slices.Sort(chs); !slices.Equal(seen, chs[:3]) {
		s.Fatalf("the first three members are %q, want %q", seen, chs[:3])
	}
}

func countAndPage(s *suite) {
	l, g := s.layer(channel.Options{PageSize: 3, Expiry: time.Hour}), s.group("g")
	names := []string{"a=", "b=", "c=", "d=", "e=", "f=", "g="}
	s.add(l, g, "a=", "d=")
	s.advance(2 * time.Hour)
	s.add(l, g, names[1:3]...)
	s.add(l, g, names[4:]...)
	if n, err := l.Count(s.ctx, g); n != 5 || err != nil {
		s.Fatalf("count is %d, %v; want 5 of 7 that are not expired", n, err)
	}
	got, from := []string{}, ""
	for {
		page, next, err := l.Page(s.ctx, g, from, 2)
		s.must(err)
		if len(page) > 2 {
			s.Fatalf("page of at most two is %q", page)
		}
		got = append(got, page...)
		if from = next; next == "" {
			break
		}
	}
	if want := []string{"b=", "c=", "e=", "f=", "g="}; !slices.Equal(got, want) {
		s.Fatalf("pages give %q, want %q", got, want)
	}
}

func emptyGroup(s *suite) {
	l, g := s.layer(channel.Options{}), s.group("g")
	s.wantMembers(l, g)
	s.groupSend(l, g, "hello", channel.Report{})
	if n, err := l.Count(s.ctx, g); n != 0 || err != nil {
		s.Fatalf("count of an empty group is %d, %v", n, err)
	}
	if s.has(l, g, "nobody=") {
		s.Fatal("an empty group has a member")
	}
}
