package sqs

// pile is a heap: the least element is at the top. It tells each element where in the pile it is, and -1 when it leaves.
type pile[T any] struct {
	items []T
	less  func(a, b T) bool
	moved func(x T, i int)
}

func (p *pile[T]) len() int { return len(p.items) }
func (p *pile[T]) top() T   { return p.items[0] }

func (p *pile[T]) push(x T) {
	p.items = append(p.items, x)
	p.moved(x, len(p.items)-1)
	p.up(len(p.items) - 1)
}

func (p *pile[T]) pop() T {
	x := p.items[0]
	p.remove(0)
	return x
}

// remove takes out the element at i.
func (p *pile[T]) remove(i int) {
	last := len(p.items) - 1
	p.moved(p.items[i], -1)
	if i != last {
		p.items[i] = p.items[last]
		p.moved(p.items[i], i)
	}
	var zero T
	p.items[last] = zero // for the collector
	p.items = p.items[:last]
	if i != last {
		p.fix(i)
	}
}

// fix finds the place of the element at i, whose order has changed.
func (p *pile[T]) fix(i int) {
	if !p.down(i) {
		p.up(i)
	}
}

func (p *pile[T]) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !p.less(p.items[i], p.items[parent]) {
			return
		}
		p.swap(i, parent)
		i = parent
	}
}

func (p *pile[T]) down(i int) bool {
	start := i
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(p.items); child++ {
			if p.less(p.items[child], p.items[least]) {
				least = child
			}
		}
		if least == i {
			return i != start
		}
		p.swap(i, least)
		i = least
	}
}

func (p *pile[T]) swap(i, j int) {
	p.items[i], p.items[j] = p.items[j], p.items[i]
	p.moved(p.items[i], i)
	p.moved(p.items[j], j)
}
