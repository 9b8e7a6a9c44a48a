package demo

import (
	"context"
	"fmt"
)

// The plans of faults that a run may have at the payment channels.
const (
	NoFaults       = "none"
	SameDay        = "same_day"        // a query, a repeat or a callback resolves each before the date moves
	AcrossMidnight = "across_midnight" // some are resolved on a later day, by query, callback or statement
)

// Plans lists them.
var Plans = []string{NoFaults, SameDay, AcrossMidnight}

const (
	// faultPPM of the orders are to meet a fault, and more of them in a run of less than manyRows applicants: which ones follows
	// from numbers that are new in every run, and of a few orders, too, leastPPM must.
	faultPPM, faultFewPPM = 350_000, 600_000
	manyRows              = 100
	// returnOneIn of the payouts to people who pay by debit comes back when faults cross midnight, returnAfter days later.
	returnOneIn = 20
	returnAfter = 3
)

// setFaults gives the channels a plan; all they had before is over.
func (r *Run) setFaults(ctx context.Context, plan string) error {
	if r.Faults == NoFaults {
		return nil
	}
	rate := faultPPM
	if len(r.Rows) < manyRows {
		rate = faultFewPPM
	}
	if err := r.control.post(ctx, "/control/plan", map[string]any{"name": plan, "seed": r.Seed, "rate_ppm": rate}, nil); err != nil {
		return fmt.Errorf("set the plan of faults: %w", err)
	}
	return nil
}

// endFaults takes down what the faults did, once, and ends them.
func (r *Run) endFaults(ctx context.Context) error {
	if r.met.Kinds != nil {
		return nil
	}
	answer := struct {
		Kinds  map[string]Count `json:"kinds"`
		Orders int              `json:"orders"`
	}{}
	if err := r.control.get(ctx, "/control/faults", &answer); err != nil {
		return fmt.Errorf("count the faults: %w", err)
	}
	r.met.Kinds, r.met.Orders = answer.Kinds, answer.Orders
	return r.setFaults(ctx, NoFaults)
}

// planReturns writes into the diary which payouts the receiving bank sends back: every so manieth, the first among them.
func (r *Run) planReturns() {
	if r.Faults != AcrossMidnight {
		return
	}
	debited, on := 0, shift(r.from, returnAfter)
	for _, a := range r.applicants {
		if a.loanID == 0 || a.behaviour.Kind != PaysByDebit {
			continue
		}
		if debited++; debited%returnOneIn == 1 {
			r.future.day[on] = append(r.future.day[on], act{who: a, do: r.sendBack})
		}
	}
}

// sendBack lets the receiving bank return a payout, where the channel tells of it.
func (r *Run) sendBack(ctx context.Context, a *applicant, _ string) (bool, error) {
	var journal struct {
		Rows []struct {
			Kind      string `json:"kind"`
			CardNo    string `json:"card_no"`
			ChannelNo string `json:"channel_no"`
			Status    string `json:"status"`
		} `json:"rows"`
		Next int64 `json:"next"`
		More bool  `json:"more"`
	}
	const tells = "alpha"
	for after := int64(0); ; after = journal.Next {
		if err := r.control.get(ctx, fmt.Sprintf("/control/journal?party=%s&after=%d&limit=10000", tells, after), &journal); err != nil {
			return false, err
		}
		for _, row := range journal.Rows {
			if row.Kind != "PAYOUT" || row.Status != "SUCCESS" || row.CardNo != a.person.Cards[0].CardNo {
				continue
			}
			err := r.control.post(ctx, "/control/return", map[string]string{"party": tells, "channel_no": row.ChannelNo}, nil)
			return err == nil, err
		}
		if !journal.More {
			return true, nil // it went through the other channel
		}
	}
}
