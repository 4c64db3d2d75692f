package realtime

// order is one group's messages on their way to the reader: however they come, it gives them once and in order.
type order struct {
	known   bool  // there was an answer to resume
	last    int64 // the number up to which everything was given
	waiting map[int64]Message
}

// take takes a live message, and gives what can be shown now.
func (o *order) take(m Message) []Message {
	if o.known && m.Seq <= o.last {
		return nil
	}
	if o.waiting == nil {
		o.waiting = map[int64]Message{}
	}
	o.waiting[m.Seq] = m
	return o.drain()
}

// gap says whether something waits for what is missing before it.
func (o *order) gap() bool { return len(o.waiting) > 0 }

// resumed takes an answer to resume, and gives what can be shown now.
func (o *order) resumed(a *answer) []Message {
	if a.Reset {
		o.last = 0
	}
	var out []Message
	for _, m := range a.Entries {
		if m.Seq > o.last {
			out = append(out, m)
		}
	}
	o.known, o.last = true, max(a.Seq, o.last)
	for seq := range o.waiting {
		if seq <= o.last {
			delete(o.waiting, seq)
		}
	}
	return append(out, o.drain()...)
}

func (o *order) drain() []Message {
	var out []Message
	for o.known {
		m, ok := o.waiting[o.last+1]
		if !ok {
			break
		}
		o.last++
		delete(o.waiting, o.last)
		out = append(out, m)
	}
	return out
}
