package reconcile

// Change is what a reissued file changes.
type Change struct {
	// Removed are lines of the former version that the new one lacks or states otherwise, Added those that are new in it.
	Removed []Line
	Added   []Line
	// Kept counts the lines that both have.
	Kept int64
}

// content is a line without its place.
func (l Line) content() Line {
	l.Number = 0
	return l
}

// Diff compares a file's new version with the former one. A line that only stands in another place is kept; one that was
// there twice and is there once now is removed once.
func Diff(former, next []Line) Change {
	left := map[Line]int{}
	for _, l := range next {
		left[l.content()]++
	}
	var c Change
	kept := map[Line]int{}
	for _, l := range former {
		if k := l.content(); left[k] > 0 {
			left[k]--
			kept[k]++
			c.Kept++
			continue
		}
		c.Removed = append(c.Removed, l)
	}
	for _, l := range next {
		if k := l.content(); kept[k] > 0 {
			kept[k]--
			continue
		}
		c.Added = append(c.Added, l)
	}
	return c
}
