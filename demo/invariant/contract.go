package invariant

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"math"
)

const (
	// leastReading is how many seconds the table of costs must be read at least, whatever a product says.
	leastReading = 10
	// costCap is the most that a loan may cost a year.
	costCap = 0.24
	// noise of floating point.
	noise = 1e-9
)

// contract is a contract with the confirmed table of costs.
type contract struct {
	id, application, user, loan, made, signed int64
	state, disclosureHash                     string
	// Of the table of costs; hash is empty if there is none.
	hash                          string
	record                        []byte
	shown, readSeconds, confirmed int64
}

func (l *look) contracts(ctx context.Context) (map[int64]*contract, error) {
	return once(&l.contractsRead, func() (map[int64]*contract, error) {
		of := map[int64]*contract{}
		err := l.books.each(ctx, "loan", `SELECT c.id, c.application_id, c.user_id, c.loan_id, c.made_ms, c.signed_ms, c.state, c.disclosure_hash,
			COALESCE(d.hash, ''), d.record, COALESCE(d.shown_ms, 0), COALESCE(d.read_seconds, 0), COALESCE(d.confirmed_ms, 0) FROM contract c
			LEFT JOIN disclosure d ON d.bucket = c.bucket AND d.application_id = c.application_id`, func(r *sql.Rows) error {
			c := &contract{}
			err := r.Scan(&c.id, &c.application, &c.user, &c.loan, &c.made, &c.signed, &c.state, &c.disclosureHash,
				&c.hash, &c.record, &c.shown, &c.readSeconds, &c.confirmed)
			of[c.id] = c
			return err
		})
		return of, err
	})
}

// contractStates are the states an application and a contract may have beside a loan's.
var contractStates = map[string][2]string{
	"AWAITING_DISBURSEMENT": {"SIGNED", "SIGNED"}, "DISBURSING": {"SIGNED", "SIGNED"}, "REPAYING": {"DISBURSED", "IN_FORCE"},
	"ACCELERATED": {"DISBURSED", "IN_FORCE"}, "WRITTEN_OFF": {"DISBURSED", "IN_FORCE"}, "PAYOUT_RETURNED": {"DISBURSED", "IN_FORCE"},
	"SETTLED": {"DISBURSED", "ENDED"}, "CANCELLED": {"CANCELLED", "VOID"},
}

// contractBehind: every loan has an application and a signed contract of the same person, amount, rate and term.
func contractBehind(ctx context.Context, l *look, f *finding) error {
	b, err := l.lent(ctx)
	if err != nil {
		return err
	}
	applications, err := l.applications(ctx)
	if err != nil {
		return err
	}
	contracts, err := l.contracts(ctx)
	if err != nil {
		return err
	}
	type facts struct {
		user, amount, rate, term int64
		product, method          string
	}
	for _, v := range b.loans {
		a, c := applications[v.application], contracts[v.contract]
		if a == nil || c == nil || c.application != v.application || a.loan != v.id || c.loan != v.id || a.contract != c.id || c.user != v.user {
			f.wrong("loan %d has no application and contract that are its own", v.id)
			continue
		}
		same(f, facts{v.user, v.principal, v.ratePPM, v.termMonths, v.product, v.method},
			facts{a.user, a.approved, a.ratePPM, a.termMonths, a.product, a.method}, "loan %d and its application", v.id)
		same(f, [2]string{a.state, c.state}, contractStates[v.state], "loan %d is %s: application and contract", v.id, v.state)
		if t, err := readTerms(v.terms, noDay); err != nil {
			f.wrong("loan %d: %v", v.id, err)
		} else {
			same(f, facts{v.user, t.Plan.Principal, t.Plan.RatePPM, int64(t.Plan.Instalments), v.product, t.Plan.Method},
				facts{v.user, v.principal, v.ratePPM, v.termMonths, v.product, v.method}, "loan %d and its terms", v.id)
		}
	}
	return nil
}

// costTable is what this audit reads of a table of costs.
type costTable struct {
	Principal   int64 `json:"principal_minor"`
	Interest    int64 `json:"interest_minor"`
	Fees        int64 `json:"fee_minor"`
	Total       int64 `json:"total_minor"`
	RatePPM     int64 `json:"rate_ppm"`
	CapPPM      int64 `json:"cap_ppm"`
	SimpleBP    int64 `json:"annual_simple_bp"`
	LeastRead   int64 `json:"min_read_seconds"`
	DisbursedOn day   `json:"disbursed_on"`
	Items       []struct {
		Amount int64 `json:"amount_minor"`
	} `json:"items"`
	Rows []struct {
		Principal int64 `json:"principal_minor"`
		Interest  int64 `json:"interest_minor"`
		Fee       int64 `json:"fee_minor"`
	} `json:"rows"`
}

// disclosed: who signed had confirmed a table of costs before, after reading it long enough; it is the one the contract
// names, and it says what the terms cost.
func disclosed(ctx context.Context, l *look, f *finding) error {
	b, err := l.lent(ctx)
	if err != nil {
		return err
	}
	contracts, err := l.contracts(ctx)
	if err != nil {
		return err
	}
	for _, c := range contracts {
		f.saw(1)
		sum := sha256.Sum256(c.record)
		var t costTable
		switch err := json.Unmarshal(c.record, &t); {
		case c.hash == "":
			f.wrong("contract %d has no confirmed table of costs", c.id)
			continue
		case err != nil:
			f.wrong("contract %d: its table of costs cannot be read", c.id)
			continue
		case hex.EncodeToString(sum[:]) != c.hash || c.hash != c.disclosureHash:
			f.wrong("contract %d: its table of costs is not the one that was confirmed", c.id)
		case c.readSeconds < max(leastReading, t.LeastRead):
			f.wrong("contract %d: its table of costs was read for %d seconds", c.id, c.readSeconds)
		case c.confirmed < c.shown || c.made < c.confirmed-1000 || (c.signed != 0 && c.signed < c.confirmed):
			f.wrong("contract %d: shown, confirmed, made and signed at %d, %d, %d, %d", c.id, c.shown, c.confirmed, c.made, c.signed)
		}
		if v := b.byID[c.loan]; v != nil {
			tableTrue(f, c, v, &t)
		}
	}
	return nil
}

// tableTrue recomputes a table of costs from the loan's terms.
func tableTrue(f *finding, c *contract, v *lived, t *costTable) {
	terms, err := readTerms(v.terms, t.DisbursedOn)
	if err != nil {
		f.wrong("contract %d: %v", c.id, err)
		return
	}
	p, err := makePlan(terms)
	if err != nil {
		f.wrong("contract %d: %v", c.id, err)
		return
	}
	var interests, fees, items int64
	fits := len(p.rows) == len(t.Rows)
	for k, r := range p.rows {
		interests += r.interest
		fees += r.fee
		fits = fits && t.Rows[k].Principal == r.principal && t.Rows[k].Interest == r.interest && t.Rows[k].Fee == r.fee
	}
	for _, i := range t.Items {
		items += i.Amount
	}
	if !fits {
		f.wrong("contract %d: the rows that were shown are not those of its terms", c.id)
	}
	same(f, [5]int64{t.Principal, t.Interest, t.Fees, t.Total, items},
		[5]int64{v.principal, interests, fees, v.principal + interests + fees, interests + fees}, "contract %d: principal, interest, fees, total, items shown", c.id)
	same(f, t.SimpleBP, int64(math.Ceil(costOf(p).simple*10_000-1e-3)), "contract %d: annual cost shown, in hundredths of a percent", c.id)
}

// signedFirst: no money left for a loan before its contract was signed, by the party's own clock.
func signedFirst(ctx context.Context, l *look, f *finding) error {
	b, err := l.lent(ctx)
	if err != nil {
		return err
	}
	contracts, err := l.contracts(ctx)
	if err != nil {
		return err
	}
	d, err := l.dealings(ctx)
	if err != nil {
		return err
	}
	for id, effects := range d.done {
		o := d.order[id]
		if o.kind != "disbursement" {
			continue
		}
		for _, e := range effects {
			f.saw(1)
			v := b.byID[o.loan]
			if v == nil || contracts[v.contract] == nil {
				f.wrong("order %d paid %d without a contract", id, e.amount)
				continue
			}
			if c := contracts[v.contract]; c.signed == 0 || c.signed > e.atMS {
				f.wrong("contract %d was signed at %d, %s had paid its loan at %d", c.id, c.signed, e.party, e.atMS)
			}
			if on := dateIn(e.atMS); v.life != nil && o.state == "PAID" && v.disbursedOn != on.String() {
				f.wrong("loan %d runs from %s; its money left on %s", v.id, v.disbursedOn, on)
			}
		}
	}
	return nil
}

// costCapped: no loan costs more than the cap, by its plan from the day on which the money really left.
func costCapped(ctx context.Context, l *look, f *finding) error {
	b, err := l.lent(ctx)
	if err != nil {
		return err
	}
	b.paidOut(f, func(v *lived) {
		f.saw(1)
		cost := costOf(v.life.plan)
		if cost.simple > costCap+noise || cost.dated > costCap+noise {
			f.wrong("loan %d costs %.6f a year, %.6f by its dates", v.id, cost.simple, cost.dated)
		}
	})
	return nil
}
