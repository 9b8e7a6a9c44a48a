package invariant

import (
	"context"
	"fmt"
	"io"
	"strconv"
)

// exampleMax is how many examples a broken invariant shows.
const exampleMax = 5

// Findings are what a look at the books found, in the order of the table.
type Findings struct {
	list []*finding
}

// finding is what was found about one invariant.
type finding struct {
	name, says string
	examined   int
	broken     int
	examples   []string
	// unread says why it could not be examined.
	unread error
	// idle: there may be nothing to examine.
	idle bool
}

// saw counts things that were examined.
func (f *finding) saw(n int) { f.examined += n }

// wrong takes down something that does not hold. The arguments are ids, dates and amounts.
func (f *finding) wrong(format string, args ...any) {
	f.broken++
	if len(f.examples) < exampleMax {
		f.examples = append(f.examples, fmt.Sprintf(format, args...))
	}
}

// same examines one thing: that two values are equal.
func same[T comparable](f *finding, got, want T, format string, args ...any) {
	f.examined++
	if got != want {
		f.wrong("%s: %v instead of %v", fmt.Sprintf(format, args...), got, want)
	}
}

// holds says whether the invariant was examined and nothing was wrong.
func (f *finding) holds() bool {
	return f.unread == nil && f.broken == 0 && (f.examined > 0 || f.idle)
}

func (f *finding) verdict() string {
	switch {
	case f.unread != nil:
		return "NOT EXAMINED"
	case f.broken > 0:
		return "BROKEN: " + strconv.Itoa(f.broken)
	case f.examined == 0 && !f.idle:
		return "NOTHING TO EXAMINE"
	}
	return "ok"
}

// Check examines every invariant on the books as they stand at this moment. An error means that nothing can be said at
// all; what cannot be read is a finding.
func (b *Books) Check(ctx context.Context) (*Findings, error) {
	b.begin(ctx)
	defer b.end()
	l := &look{books: b}
	found := &Findings{}
	for _, i := range table() {
		f := &finding{name: i.name, says: i.says, idle: i.idle}
		if err := i.check(ctx, l, f); err != nil {
			f.unread = err
		}
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("examining %s: %w", i.name, err)
		}
		found.list = append(found.list, f)
	}
	return found, nil
}

// Broken answers the names of the invariants that do not hold.
func (f *Findings) Broken() []string {
	var names []string
	for _, one := range f.list {
		if !one.holds() {
			names = append(names, one.name)
		}
	}
	return names
}

// Names answers the name of every invariant, in the order of the table.
func Names() []string {
	var names []string
	for _, i := range table() {
		names = append(names, i.name)
	}
	return names
}

// Write writes the findings as a table and answers how many invariants do not hold.
func (f *Findings) Write(out io.Writer) (broken int) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format+"\n", args...) }
	say("\n== invariants")
	for _, one := range f.list {
		say("%-24s %9d  %-20s %s", one.name, one.examined, one.verdict(), one.says)
		if one.holds() {
			continue
		}
		broken++
		if one.unread != nil {
			say("%24s   %v", "", one.unread)
		}
		for _, example := range one.examples {
			say("%24s   %s", "", example)
		}
	}
	say("%d of %d invariants hold", len(f.list)-broken, len(f.list))
	return broken
}
