package loan

import (
	"context"
	"errors"
	"fmt"

	"github.com/hengdai/hengdai/domain/calendar"
	"github.com/hengdai/hengdai/domain/ledger"
	domain "github.com/hengdai/hengdai/domain/loan"
	"github.com/hengdai/hengdai/domain/money"
	"github.com/hengdai/hengdai/kit/errs"
	"github.com/hengdai/hengdai/kit/id"
	"github.com/hengdai/hengdai/kit/store"
	"github.com/hengdai/hengdai/service/loan/rows"
)

// Fault is a place where loans and journal do not agree.
type Fault struct {
	// Rule: "loan_is_its_entries" (own entries plus shares are the loan), "sums_are_shares" (recomputed shares add up to the
	// sums of the closes), "loan_unreadable".
	Rule string
	// Loan or bucket, product and date it was found at.
	LoanID, Bucket int64
	Product, On    string
	Details        string
}

// CheckAgreement proves for every loan that its own entries and its recomputed shares are what the loan is, and for every
// sum of every close that the shares add up to it. It reads everything and writes nothing; faults are at most limit.
func (s *Service) CheckAgreement(ctx context.Context, limit int) ([]Fault, error) {
	var faults []Fault
	for bucket := range int64(id.Buckets) {
		found, err := s.checkBucket(ctx, s.deps.DB.Primary(), bucket)
		if err != nil {
			return faults, errs.Wrap(err, "checking that loans and journal agree")
		}
		faults = append(faults, found...)
		if len(faults) >= limit {
			return faults[:limit], nil
		}
	}
	return faults, nil
}

// shareKey is where a share belongs.
type shareKey struct {
	day, product string
}

func (s *Service) checkBucket(ctx context.Context, q store.DBTX, bucket int64) ([]Fault, error) {
	loans, err := rows.New(q).LoansOfBucket(ctx, bucket)
	if err != nil {
		return nil, errs.Wrap(err, "reading the loans")
	}
	sums, err := s.storedSums(ctx, q, bucket)
	if err != nil {
		return nil, err
	}
	var faults []Fault
	for _, row := range loans {
		err := s.checkLoan(ctx, q, row, sums)
		var why *faulty
		switch {
		case errors.As(err, &why):
			faults = append(faults, Fault{Rule: why.rule, LoanID: row.ID, Bucket: bucket, Product: row.Product, On: why.on, Details: why.details})
		case err != nil:
			return nil, err
		}
	}
	for k, left := range sums {
		if !left.IsZero() {
			faults = append(faults, Fault{Rule: "sums_are_shares", Bucket: bucket, Product: k.product, On: k.day, Details: describe(left)})
		}
	}
	return faults, nil
}

// storedSums are the sums of the closes in a bucket.
func (s *Service) storedSums(ctx context.Context, q store.DBTX, bucket int64) (map[shareKey]domain.Position, error) {
	stored, err := rows.New(q).SumsOfBucket(ctx, bucket)
	if err != nil {
		return nil, errs.Wrap(err, "reading the sums")
	}
	sums := map[shareKey]domain.Position{}
	for _, e := range stored {
		p, err := domain.PositionOf([]ledger.Entry{{Account: e.Account, AmountMinor: e.AmountMinor}})
		if err != nil {
			return nil, errs.Wrap(err, "reading a sum")
		}
		k := shareKey{e.DayOn, e.Product}
		sums[k] = sums[k].Plus(p)
	}
	return sums, nil
}

// faulty is a fault of one loan on its way up.
type faulty struct{ rule, on, details string }

// Error names the rule.
func (f *faulty) Error() string { return f.rule + " " + f.details }

// unreadable makes an error of the loan's own data a fault of the loan.
func unreadable(err error) error {
	if err == nil {
		return nil
	}
	return &faulty{rule: "loan_unreadable", details: err.Error()}
}

// checkLoan takes the loan's shares out of the sums and compares it with its entries. The error is *faulty if the loan is
// at fault.
func (s *Service) checkLoan(ctx context.Context, q store.DBTX, row rows.Loan, sums map[shareKey]domain.Position) error {
	if len(row.Life) == 0 {
		return nil // never paid out: it has no entries
	}
	kept, err := s.keptEvents(ctx, q, row)
	if err != nil {
		return err
	}
	own, err := s.ownEntries(ctx, q, row)
	if err != nil {
		return err
	}
	part, err := rows.New(q).DayPart(ctx, int64(id.Partition(row.Bucket)))
	if err != nil {
		return errs.Wrap(err, "reading a partition's day")
	}
	a := &account{row: row, part: part}
	through, err := a.bookedNow()
	if err != nil {
		return err
	}
	terms, on, err := readTerms(row.Terms, row.DisbursedOn)
	if err != nil {
		return unreadable(err)
	}
	life, err := domain.Shares(terms, kept, through, func(day calendar.Date, share domain.Position) {
		k := shareKey{day.String(), row.Product}
		sums[k] = sums[k].Minus(share)
		own = own.Plus(share)
	})
	if err != nil {
		return unreadable(err)
	}
	contract, err := domain.Prepare(terms, on)
	if err != nil {
		return unreadable(err)
	}
	stored, err := contract.Decode(row.Life)
	if err != nil {
		return unreadable(err)
	}
	return sameAs(own, through, stored, life)
}

// sameAs compares entries with what the loan is, as it is stored and as its events make it.
func sameAs(own domain.Position, through calendar.Date, lives ...*domain.Life) error {
	for _, is := range lives {
		position, err := is.Position(max(through, is.At()))
		if err != nil {
			return unreadable(err)
		}
		if position != own {
			return &faulty{rule: "loan_is_its_entries", on: through.String(), details: describe(own.Minus(position))}
		}
	}
	return nil
}

func (s *Service) keptEvents(ctx context.Context, q store.DBTX, row rows.Loan) ([]domain.Kept, error) {
	stored, err := rows.New(q).LoanEvents(ctx, rows.LoanEventsParams{Bucket: row.Bucket, LoanID: row.ID})
	if err != nil {
		return nil, errs.Wrap(err, "reading a loan's events")
	}
	kept := make([]domain.Kept, len(stored))
	for i, e := range stored {
		dates := [3]calendar.Date{}
		for n, text := range [3]string{e.CountsOn, e.BookedFrom, e.BookedTo} {
			if dates[n], err = dateOf(text); err != nil {
				return nil, err
			}
		}
		kept[i] = domain.Kept{Happening: domain.Happening{Seq: e.Seq, Kind: domain.Kind(e.Kind), On: dates[0], Amount: money.Amount(e.AmountMinor),
			OrderID: e.OrderID, Payoff: e.Payoff != 0}, From: dates[1], To: dates[2], CaughtUp: e.Kind == eventCaughtUp}
	}
	return kept, nil
}

func (s *Service) ownEntries(ctx context.Context, q store.DBTX, row rows.Loan) (domain.Position, error) {
	lines, err := rows.New(q).EntriesOfSubject(ctx, rows.EntriesOfSubjectParams{Bucket: row.Bucket, SubjectID: row.ID})
	if err != nil {
		return domain.Position{}, errs.Wrap(err, "reading a loan's entries")
	}
	entries := make([]ledger.Entry, len(lines))
	for i, l := range lines {
		entries[i] = ledger.Entry{Account: l.Account, AmountMinor: l.AmountMinor}
	}
	p, err := domain.PositionOf(entries)
	return p, errs.Wrap(err, "adding a loan's entries up")
}

func describe(p domain.Position) string {
	text := ""
	for _, e := range p.Entries("") {
		text += fmt.Sprintf("%s %s ", e.Account, money.CNY.Format(money.Amount(e.AmountMinor)))
	}
	return text
}
