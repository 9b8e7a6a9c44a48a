package ledger

import (
	"errors"
	"fmt"

	"github.com/hengdai/hengdai/domain/calendar"
)

// Entry is one line of a transaction.
type Entry struct {
	Account string
	// AmountMinor is positive for a debit and negative for a credit, never zero.
	AmountMinor int64
	// Product of an accrual sum, empty otherwise.
	Product string
}

// Transaction is what one event books, inside one bucket.
type Transaction struct {
	ID    int64
	Event string
	// Subject is the loan, order or item; zero for sums over many.
	Subject  int64
	Bucket   int64
	BookedOn calendar.Date
	ValueOn  calendar.Date
	// Reverses is the transaction that this one takes back; else zero.
	Reverses int64
	Entries  []Entry
}

// Errors of Validate, wrapped with what is wrong.
var (
	ErrUnbalanced = errors.New("ledger: debits and credits differ")
	ErrEntry      = errors.New("ledger: wrong entry")
)

// Validate checks that the transaction has entries, that every account is in the chart and every amount not zero, and
// that debits equal credits, on the books and in the memo accounts each by themselves.
func (t Transaction) Validate() error {
	if len(t.Entries) == 0 {
		return fmt.Errorf("%w: %s has none", ErrEntry, t.Event)
	}
	var books, memo int64
	for _, e := range t.Entries {
		account, known := Find(e.Account)
		if !known {
			return fmt.Errorf("%w: account %q is not in the chart", ErrEntry, e.Account)
		}
		if e.AmountMinor == 0 {
			return fmt.Errorf("%w: %s has an amount of zero on %s", ErrEntry, t.Event, e.Account)
		}
		side := &books
		if account.Kind == Memo {
			side = &memo
		}
		sum := *side + e.AmountMinor
		if (sum > *side) != (e.AmountMinor > 0) {
			return fmt.Errorf("%w: %s overflows", ErrEntry, t.Event)
		}
		*side = sum
	}
	if books != 0 || memo != 0 {
		return fmt.Errorf("%w: %s by %d, in memo by %d", ErrUnbalanced, t.Event, books, memo)
	}
	return nil
}

// Reversal is the transaction that takes t back whole: the same entries with the other sign, booked on another date
// under another id, with the value date of t.
func (t Transaction) Reversal(id int64, bookedOn calendar.Date) Transaction {
	r := t
	r.ID, r.BookedOn, r.Reverses = id, bookedOn, t.ID
	r.Event = "reverse." + t.Event
	r.Entries = make([]Entry, len(t.Entries))
	for i, e := range t.Entries {
		e.AmountMinor = -e.AmountMinor
		r.Entries[i] = e
	}
	return r
}

// On is the transaction's net sum on an account.
func (t Transaction) On(account string) int64 {
	var sum int64
	for _, e := range t.Entries {
		if e.Account == account {
			sum += e.AmountMinor
		}
	}
	return sum
}

// Move is a debit on one account and a credit on another; nothing for an amount of zero. A negative amount books the
// other way round.
func Move(debit, credit string, amountMinor int64) []Entry {
	if amountMinor == 0 {
		return nil
	}
	return []Entry{{Account: debit, AmountMinor: amountMinor}, {Account: credit, AmountMinor: -amountMinor}}
}

// Join puts lists of entries together and adds up what falls on the same account and product; sums of zero vanish.
// The order of first appearance stays.
func Join(lists ...[]Entry) []Entry {
	var joined []Entry
	for _, list := range lists {
		for _, e := range list {
			joined = add(joined, e)
		}
	}
	kept := joined[:0]
	for _, e := range joined {
		if e.AmountMinor != 0 {
			kept = append(kept, e)
		}
	}
	return kept
}

func add(entries []Entry, e Entry) []Entry {
	for i := range entries {
		if entries[i].Account == e.Account && entries[i].Product == e.Product {
			entries[i].AmountMinor += e.AmountMinor
			return entries
		}
	}
	return append(entries, e)
}
