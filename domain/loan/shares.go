package loan

import (
	"errors"
	"fmt"

	"github.com/hengdai/hengdai/domain/calendar"
)

// Kept is an event as it was learned: the journal held the loan up to From before it and up to To after it.
type Kept struct {
	Happening
	From, To calendar.Date
	// CaughtUp: not an event of the loan; its entries replaced its shares between From and To.
	CaughtUp bool
}

// Shares recomputes a loan's share in the sum of every close, from its events in the order in which they were learned.
// closed is the day up to which closes were made. each is told the shares that are not zero. It answers the life after
// the last event.
func Shares(terms Terms, kept []Kept, closed calendar.Date, each func(day calendar.Date, share Position)) (*Life, error) {
	if len(kept) == 0 || kept[0].Kind != Disbursal {
		return nil, fmt.Errorf("%w: a life begins with its disbursement", ErrNotNow)
	}
	life, err := Begin(terms, kept[0].On)
	if err != nil {
		return nil, err
	}
	happened := []Happening{kept[0].Happening}
	for i, k := range kept {
		if i > 0 && !k.CaughtUp {
			happened = append(happened, k.Happening)
			if life, err = relive(terms, life, happened); err != nil {
				return nil, err
			}
		}
		until := closed
		if i+1 < len(kept) {
			until = kept[i+1].From
		}
		if life.Settled() || life.returned {
			continue
		}
		for day := k.To; day < until; day++ {
			share, _, err := Share(life, k.To, day)
			if err != nil {
				return nil, err
			}
			if !share.IsZero() {
				each(day, share)
			}
		}
	}
	return life, nil
}

// relive lets the last of the events happen.
func relive(terms Terms, life *Life, happened []Happening) (*Life, error) {
	next := life.Clone()
	err := next.Do(happened[len(happened)-1])
	if errors.Is(err, ErrLate) {
		return Replay(terms, happened, false)
	}
	return next, err
}
