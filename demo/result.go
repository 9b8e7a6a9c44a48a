package demo

import (
	"context"
	"fmt"

	"github.com/hengdai/hengdai/demo/invariant"
)

// Result is what came of a run, by applicant. It names no id: two runs have other ones.
type Result struct {
	// Faults is the plan that the channels had.
	Faults string
	// From and Until are the first and the last date of its calendar.
	From, Until string
	Rows        []RowResult
	// Balances are all accounts of both journals, Parties our accounts at the channels by their own books.
	Balances, Parties map[string]int64
	Met               Met
}

// Met is what the channels did to our orders.
type Met struct {
	// Kinds counts by kind of fault how often it was met, and by how many numbers.
	Kinds map[string]Count
	// Orders of all that were sent met at least one.
	Orders, Sent int
	// Told counts the ends of orders by what told of them: submit, callback, query, statement.
	Told map[string]int
}

// Count is how often a fault was met, and by how many distinct numbers.
type Count struct {
	Hits    int64 `json:"hits"`
	Numbers int64 `json:"numbers"`
}

// RowResult is what came of one applicant.
type RowResult struct {
	Number  int
	Refusal string
	// Loan is what the books say of his loan; without one it is empty.
	Loan invariant.Account
}

// Result reads what came of the run from the books.
func (r *Run) Result(ctx context.Context, books *invariant.Books) (*Result, error) {
	sum, err := books.Summary(ctx)
	if err != nil {
		return nil, fmt.Errorf("read what came of the run: %w", err)
	}
	result := &Result{Faults: r.Faults, From: r.from, Until: r.today, Balances: sum.Balances, Parties: sum.Parties, Met: r.met}
	result.Met.Sent, result.Met.Told = sum.Attempts, sum.Told
	loans := map[int64]invariant.Account{}
	for _, l := range sum.Loans {
		loans[l.ID] = l
	}
	for _, a := range r.applicants {
		loan := loans[a.loanID]
		loan.ID = 0
		result.Rows = append(result.Rows, RowResult{Number: a.row.Number, Refusal: a.refusal, Loan: loan})
	}
	return result, nil
}
