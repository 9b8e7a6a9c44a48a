package reconcile

import (
	"slices"

	"github.com/hengdai/hengdai/domain/calendar"
)

// Key is what makes a line the same line at one channel and merchant.
type Key struct {
	ChannelNo string
	Kind      Kind
}

// Key answers the line's key.
func (l *Line) Key() Key { return Key{l.ChannelNo, l.Kind} }

// Book is what we hold when lines are compared.
type Book struct {
	// Items are the attempts that lines may speak of.
	Items []Item
	// Earlier are keys of lines that files of the past, or other parts of this one, stated already.
	Earlier map[Key]bool
}

// Join gives every line its class, in the order of the lines. Lines that name the number which we were told are looked
// at before others that name the same item, and originals before what takes them back.
func Join(lines []Line, b Book) []Result {
	j := joiner{seen: map[Key]bool{}, ours: map[string]*Item{}, theirs: map[string]*Item{}}
	for k := range b.Earlier {
		j.seen[k] = true
	}
	items := slices.Clone(b.Items)
	for i := range items {
		it := &items[i]
		j.ours[it.OurNo] = it
		if it.ChannelNo != "" {
			j.theirs[it.ChannelNo] = it
		}
	}
	results := make([]Result, len(lines))
	order := make([]int, len(lines))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, c int) int { return j.rank(&lines[a]) - j.rank(&lines[c]) })
	for _, i := range order {
		results[i] = j.judge(&lines[i])
	}
	return results
}

type joiner struct {
	seen   map[Key]bool
	ours   map[string]*Item
	theirs map[string]*Item
}

func (j *joiner) rank(l *Line) int {
	switch it := j.item(l); {
	case l.Kind.Back():
		return 2
	case it != nil && it.ChannelNo == l.ChannelNo:
		return 0
	}
	return 1
}

// item answers what of ours a line speaks of, nil if of nothing.
func (j *joiner) item(l *Line) *Item {
	if l.OurNo != "" {
		return j.ours[l.OurNo]
	}
	if l.Kind.Back() {
		return j.theirs[l.OriginalNo]
	}
	return nil
}

func (j *joiner) judge(l *Line) Result {
	it := j.item(l)
	r := Result{Line: l, Item: it, OpenMinor: -l.Moved()}
	switch {
	case l.Status == Success && j.seen[l.Key()]:
		r.Class, r.Note = Duplicate, "the channel states this transaction a second time"
		return r
	case l.Status != Success:
		return j.judgeFailed(r)
	}
	j.seen[l.Key()] = true
	if it == nil {
		r.Class, r.Note = ChannelOnly, "the channel states what nobody here ordered"
		return r
	}
	if l.Kind.Back() {
		return j.judgeBack(r)
	}
	return j.judgeMoved(r)
}

// judgeFailed: the channel says that nothing moved.
func (j *joiner) judgeFailed(r Result) Result {
	r.Class = Match
	if it := r.Item; it != nil && it.State == Moved && !it.Stated && !r.Line.Kind.Back() {
		it.Stated = true
		r.Class, r.Takes, r.OpenMinor = Standing, true, it.booked()
		r.Note = "the channel states a failure of what is a success here"
	}
	return r
}

// judgeBack: the channel says that an earlier movement was taken back.
func (j *joiner) judgeBack(r Result) Result {
	it, l := r.Item, r.Line
	switch {
	case it.Kind.In() != (l.Kind == Chargeback):
		r.Class, r.Note = Standing, "the channel takes back what moved the other way here"
	case !it.Returned:
		r.Class, r.Note = LateReturn, "it came back, and nobody had told us"
	case it.ReturnStated:
		r.Class, r.Note = DoubleEffect, "it came back a second time"
	default:
		it.ReturnStated = true
		r.Class, r.Takes, r.OpenMinor = Match, true, -it.booked()-l.Moved()
		if r.OpenMinor != 0 {
			r.Class, r.Note = Amount, "another amount came back than is booked here"
		}
	}
	return r
}

// judgeMoved: the channel says that an order was carried out.
func (j *joiner) judgeMoved(r Result) Result {
	it, l := r.Item, r.Line
	switch {
	case it.Kind.In() != l.Kind.In():
		r.Class, r.Note = Standing, "the channel moved it the other way"
		return r
	case it.Stated:
		r.Class, r.Note = DoubleEffect, "the channel carried one number of ours out twice"
		return r
	case l.AmountMinor != it.AmountMinor:
		r.Class, r.Note = Amount, "the channel states another amount than was ordered"
		if it.State == Moved { // else nothing is believed of it
			it.Stated = true
			r.Takes, r.OpenMinor = true, it.booked()-l.Moved()
		}
		return r
	case it.State == Unsent:
		r.Class, r.Note = Standing, "the channel states what was never sent to it"
		return r
	case it.State == Gone && it.OthersMoved:
		r.Class, r.Note = DoubleEffect, "two attempts of one order moved money"
		return r
	case it.State == Gone:
		r.Class, r.Note = Standing, "the channel states a success of what is a final failure here"
		return r
	}
	r.Learn = it.State == Open
	it.Stated, r.Takes, r.OpenMinor = true, true, 0
	switch {
	case it.State == Moved && it.ChannelNo != "" && it.ChannelNo != l.ChannelNo:
		r.Class, r.Note = Standing, "the channel states it under another number than it had told us"
	case it.FeeKnown && it.FeeMinor != l.FeeMinor:
		r.Class, r.Note = Fee, "the channel took another fee than agreed"
	default:
		r.Class = Match
	}
	return r
}

// OneSided answers the items of a settlement date up to day for which no line has come: full, together with Join. Items
// that did not move, that a line has settled, or whose return alone is open are looked at as what they are.
func OneSided(items []Item, upTo calendar.Date) []Result {
	var list []Result
	for i := range items {
		it := &items[i]
		if it.State == Moved && !it.Stated && it.SettledOn <= upTo {
			list = append(list, Result{Class: OursOnly, Item: it, OpenMinor: it.booked(), Note: "the channel does not state what moved here"})
		}
	}
	return list
}

// Outer is the full outer join of one statement with what we hold: a result a line, and one for every item that no line
// has settled.
func Outer(s Statement, b Book) []Result {
	results := Join(s.Lines, b)
	taken := map[int64]bool{}
	for _, r := range results {
		if r.Takes && !r.Line.Kind.Back() {
			taken[r.Item.ID] = true
		}
	}
	left := slices.Clone(b.Items)
	for i := range left {
		left[i].Stated = left[i].Stated || taken[left[i].ID]
	}
	return append(results, OneSided(left, s.SettledOn)...)
}
