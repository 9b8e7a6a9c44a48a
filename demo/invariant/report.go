package invariant

import (
	"context"
	"database/sql"
	"hash/maphash"
)

// line is an entry of either journal as report keeps it.
type line struct {
	amount, subject int64
	account, booked string
}

// reportKey names a transaction of a journal.
type reportKey struct {
	journal     string
	transaction int64
}

// seed of the fingerprints of lines.
var seed = maphash.MakeSeed()

// print is a fingerprint of a line. Those of a transaction's lines are added up: the order of lines does not matter,
// because payment numbers its entries by account.
func (e line) print() uint64 { return maphash.Comparable(seed, e) }

// eachLine passes the entries of both journals from their own tables: those of transactions of their own, and with a
// product those that are sums of a day.
func (l *look) eachLine(ctx context.Context, take func(journal, product string, bucket, transaction int64, e line)) error {
	entries, err := l.cash(ctx)
	if err != nil {
		return err
	}
	for _, e := range entries {
		take("payment", "", e.bucket, e.transaction, line{e.amount, e.subject, e.account, e.booked})
	}
	return l.books.each(ctx, "loan", `SELECT e.bucket, e.transaction_id, e.amount_minor, h.subject_id, e.account, h.booked_on, '' FROM journal_entry e
		JOIN journal h ON h.bucket = e.bucket AND h.id = e.transaction_id
		UNION ALL SELECT bucket, transaction_id, amount_minor, 0, account, day_on, product FROM journal_sum`, func(r *sql.Rows) error {
		var bucket, transaction int64
		var product string
		var e line
		if err := r.Scan(&bucket, &transaction, &e.amount, &e.subject, &e.account, &e.booked, &product); err != nil {
			return err
		}
		take("loan", product, bucket, transaction, e)
		return nil
	})
}

// daySum is what report keeps of the sums of a day: one line for all buckets of a partition.
type daySum struct {
	partition                int64
	booked, account, product string
}

// reportEntries: report's general ledger has every entry of both journals, once, and no other; the sums of a day it has
// added up over the buckets of a partition.
func reportEntries(ctx context.Context, l *look, f *finding) error {
	// What stands on one side only is left over: added for the journals, taken away for report.
	left, sums := map[reportKey]uint64{}, map[daySum]int64{}
	err := l.eachLine(ctx, func(journal, product string, bucket, transaction int64, e line) {
		f.saw(1)
		if product != "" {
			sums[daySum{partitionOf(bucket), e.booked, e.account, product}] += e.amount
			return
		}
		left[reportKey{journal, transaction}] += e.print()
	})
	if err != nil {
		return err
	}
	err = l.books.each(ctx, "report", `SELECT journal, event, bucket, transaction_id, amount_minor, subject_id, account, booked_on, product FROM report_entry`,
		func(r *sql.Rows) error {
			var key reportKey
			var bucket int64
			var event, product string
			var e line
			if err := r.Scan(&key.journal, &event, &bucket, &key.transaction, &e.amount, &e.subject, &e.account, &e.booked, &product); err != nil {
				return err
			}
			if bucket != bucketOf(key.transaction) {
				f.wrong("report has %s's transaction %d in bucket %d", key.journal, key.transaction, bucket)
			}
			if event == "accrual" {
				sums[daySum{partitionOf(bucket), e.booked, e.account, product}] -= e.amount
				return nil
			}
			left[key] -= e.print()
			return nil
		})
	if err != nil {
		return err
	}
	for key, difference := range left {
		if difference != 0 {
			f.wrong("%s, transaction %d: report does not have the journal's entries", key.journal, key.transaction)
		}
	}
	for key, difference := range sums {
		if difference != 0 {
			f.wrong("partition %d, %s, %s on %s: the journal has %d more than report", key.partition, key.product, key.account, key.booked, difference)
		}
	}
	return nil
}

// reportSums: report's sums by day and account are those of the journals.
func reportSums(ctx context.Context, l *look, f *finding) error {
	type key struct{ journal, account, booked string }
	type sums struct{ debit, credit, entries int64 }
	should, is := map[key]sums{}, map[key]sums{}
	err := l.eachLine(ctx, func(journal, _ string, _, _ int64, e line) {
		k := key{journal, e.account, e.booked}
		s := should[k]
		should[k] = sums{s.debit + max(e.amount, 0), s.credit + max(-e.amount, 0), s.entries + 1}
	})
	if err != nil {
		return err
	}
	err = l.books.each(ctx, "report", `SELECT journal, account, booked_on, debit_minor, credit_minor, entries FROM report_sum`, func(r *sql.Rows) error {
		var k key
		var one sums
		if err := r.Scan(&k.journal, &k.account, &k.booked, &one.debit, &one.credit, &one.entries); err != nil {
			return err
		}
		s := is[k]
		is[k] = sums{s.debit + one.debit, s.credit + one.credit, s.entries + one.entries}
		return nil
	})
	if err != nil {
		return err
	}
	for k, want := range should {
		same(f, is[k], want, "%s, %s on %s: debit, credit, entries at report", k.journal, k.account, k.booked)
		delete(is, k)
	}
	for k := range is {
		f.wrong("report has sums of %s, %s on %s, where nothing was booked", k.journal, k.account, k.booked)
	}
	return nil
}

// reportLists: report's lists of loans, orders and applications say of each what its own service says.
func reportLists(ctx context.Context, l *look, f *finding) error {
	for _, list := range []func(context.Context, *look, *finding) error{reportLoans, reportOrders, reportApplications} {
		if err := list(ctx, l, f); err != nil {
			return err
		}
	}
	return nil
}

func reportLoans(ctx context.Context, l *look, f *finding) error {
	b, err := l.lent(ctx)
	if err != nil {
		return err
	}
	type facts struct {
		user, principal, outstanding, rate int64
		state, product, bucket, disbursed  string
	}
	n := 0
	err = l.books.each(ctx, "report", `SELECT loan_id, user_id, principal_minor, outstanding_minor, rate_ppm, state, product, dpd_bucket, disbursed_on
		FROM report_loan`, func(r *sql.Rows) error {
		var id int64
		var is facts
		if err := r.Scan(&id, &is.user, &is.principal, &is.outstanding, &is.rate, &is.state, &is.product, &is.bucket, &is.disbursed); err != nil {
			return err
		}
		n++
		v := b.byID[id]
		if v == nil {
			f.wrong("report lists loan %d, which is not there", id)
			return nil
		}
		want := facts{v.user, v.principal, v.outstanding, v.ratePPM, v.state, v.product, v.overdueBucket, v.disbursedOn}
		if v.disbursedOn == "" { // what only the payout tells
			want.outstanding, want.rate, want.bucket = is.outstanding, is.rate, is.bucket
		}
		if v.state == "PAYOUT_RETURNED" || v.state == "CANCELLED" { // nobody owes it; its 1303 stands against what is payable
			want.outstanding = 0
		}
		same(f, is, want, "loan %d at report", id)
		return nil
	})
	same(f, n, len(b.loans), "loans at report")
	return err
}

func reportOrders(ctx context.Context, l *look, f *finding) error {
	d, err := l.dealings(ctx)
	if err != nil {
		return err
	}
	type facts struct {
		user, loan, amount    int64
		kind, outcome, booked string
	}
	n := 0
	err = l.books.each(ctx, "report", `SELECT order_id, user_id, loan_id, amount_minor, kind, outcome, posting_on FROM report_order`, func(r *sql.Rows) error {
		var id int64
		var is facts
		if err := r.Scan(&id, &is.user, &is.loan, &is.amount, &is.kind, &is.outcome, &is.booked); err != nil {
			return err
		}
		n++
		o := d.order[id]
		if o == nil {
			f.wrong("report lists order %d, which is not there", id)
			return nil
		}
		want := facts{o.user, o.loan, o.amount, o.kind, o.state, o.posting}
		switch o.state {
		case "CREATED", "RESERVED", "SENDING", "MANUAL":
			want.outcome = "PENDING"
		case "RETURNED":
			want.booked = is.booked // that of the return
		}
		same(f, is, want, "order %d at report", id)
		return nil
	})
	same(f, n, len(d.orders), "orders at report")
	return err
}

func reportApplications(ctx context.Context, l *look, f *finding) error {
	applications, err := l.applications(ctx)
	if err != nil {
		return err
	}
	n := 0
	err = l.books.each(ctx, "report", `SELECT application_id, user_id, state, loan_id FROM report_application`, func(r *sql.Rows) error {
		var id, user, loan int64
		var state string
		if err := r.Scan(&id, &user, &state, &loan); err != nil {
			return err
		}
		n++
		a := applications[id]
		if a == nil {
			f.wrong("report lists application %d, which is not there", id)
			return nil
		}
		same(f, [2]int64{user, loan}, [2]int64{a.user, a.loan}, "application %d at report: person and loan", id)
		same(f, state, a.state, "application %d at report", id)
		return nil
	})
	same(f, n, len(applications), "applications at report")
	return err
}
