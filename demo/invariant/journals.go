package invariant

import (
	"context"
	"database/sql"
	"strings"
)

// chart is the closed list of accounts of each journal; one that ends in a point stands for one account a channel.
var chart = map[string][]string{
	"payment": {"1002", "1014", "1221", "2241.unid", "6421", "6711", "2290", "3001."},
	"loan": {"1303", "1132.I", "1132.Cmp", "1132.Pen", "1132.F", "1132.Cost", "1304", "6702", "2241.unapplied", "2241.payable", "2241.refund",
		"2241.payee", "6011", "6021", "2221.pending", "2221.output", "6601", "9001", "9002", "9011", "9012", "2290"},
}

func charted(journal, account string) bool {
	for _, known := range chart[journal] {
		if account == known || (strings.HasSuffix(known, ".") && len(account) > len(known) && strings.HasPrefix(account, known)) {
			return true
		}
	}
	return false
}

// loanTransaction is a transaction of loan's journal while its entries pass by.
type loanTransaction struct {
	bucket, id, sum, entries, lines int64
	debit, credit                   int64 // on 2290, by its entries
	zero                            bool
	storedDebit, storedCredit       int64
	booked, clearingOn              string
}

// loanTransactions passes loan's transactions one by one.
func (l *look) loanTransactions(ctx context.Context, take func(t loanTransaction)) error {
	var at loanTransaction
	err := l.books.each(ctx, "loan", `SELECT h.bucket, h.id, h.clearing_debit_minor, h.clearing_credit_minor, h.booked_on, h.clearing_on,
		COALESCE(e.line, 0), COALESCE(e.account, ''), COALESCE(e.amount_minor, 0)
		FROM journal h LEFT JOIN journal_entry e ON e.bucket = h.bucket AND e.transaction_id = h.id ORDER BY h.bucket, h.id, e.line`,
		func(r *sql.Rows) error {
			var t loanTransaction
			var line, amount int64
			var account string
			if err := r.Scan(&t.bucket, &t.id, &t.storedDebit, &t.storedCredit, &t.booked, &t.clearingOn, &line, &account, &amount); err != nil {
				return err
			}
			if t.id != at.id || t.bucket != at.bucket {
				if at.id != 0 {
					take(at)
				}
				at = t
			}
			if line == 0 {
				return nil
			}
			at.entries++
			at.sum += amount
			at.lines = line
			at.zero = at.zero || amount == 0
			if account == "2290" {
				at.debit += max(amount, 0)
				at.credit += max(-amount, 0)
			}
			return nil
		})
	if at.id != 0 {
		take(at)
	}
	return err
}

func journalBalanced(ctx context.Context, l *look, f *finding) error {
	if err := cashBalanced(ctx, l, f); err != nil {
		return err
	}
	err := l.loanTransactions(ctx, func(t loanTransaction) {
		f.saw(1)
		switch {
		case t.bucket != bucketOf(t.id):
			f.wrong("loan: transaction %d stands in bucket %d", t.id, t.bucket)
		case t.entries < 2 || t.lines != t.entries || t.zero:
			f.wrong("loan: transaction %d has %d entries up to line %d, one of zero: %v", t.id, t.entries, t.lines, t.zero)
		case t.sum != 0:
			f.wrong("loan: transaction %d adds up to %d", t.id, t.sum)
		}
	})
	if err != nil {
		return err
	}
	if err := sumsBalanced(ctx, l, f); err != nil {
		return err
	}
	return l.books.each(ctx, "loan", `SELECT e.bucket, e.transaction_id, e.line FROM journal_entry e
		LEFT JOIN journal h ON h.bucket = e.bucket AND h.id = e.transaction_id WHERE h.id IS NULL`, func(r *sql.Rows) error {
		var bucket, id, line int64
		if err := r.Scan(&bucket, &id, &line); err != nil {
			return err
		}
		f.wrong("loan: line %d of transaction %d in bucket %d belongs to no transaction of the bucket", line, id, bucket)
		return nil
	})
}

// sumsBalanced: the sums that a day's close booked for a product and bucket are one transaction, which adds up to zero.
func sumsBalanced(ctx context.Context, l *look, f *finding) error {
	type key struct {
		bucket  int64
		on      string
		product string
	}
	var at key
	var transaction, sum, entries int64
	end := func() {
		if entries == 0 {
			return
		}
		f.saw(1)
		if entries < 2 || sum != 0 || bucketOf(transaction) != at.bucket {
			f.wrong("loan: sums of %s on %s in bucket %d (transaction %d): %d entries that add up to %d", at.product, at.on, at.bucket, transaction, entries, sum)
		}
	}
	err := l.books.each(ctx, "loan", `SELECT bucket, day_on, product, transaction_id, amount_minor FROM journal_sum ORDER BY bucket, day_on, product`,
		func(r *sql.Rows) error {
			var k key
			var id, amount int64
			if err := r.Scan(&k.bucket, &k.on, &k.product, &id, &amount); err != nil {
				return err
			}
			if k != at {
				end()
				at, transaction, sum, entries = k, id, 0, 0
			}
			if id != transaction || amount == 0 {
				f.wrong("loan: sums of %s on %s in bucket %d: transactions %d and %d, an entry of %d", k.product, k.on, k.bucket, transaction, id, amount)
			}
			sum += amount
			entries++
			return nil
		})
	end()
	return err
}

// bucketDay is one day of one bucket.
type bucketDay struct {
	bucket int64
	on     string
}

// clearing is what both journals have on 2290, by bucket and day.
func (l *look) clearing(ctx context.Context) (cash, lent map[bucketDay]int64, err error) {
	entries, err := l.cash(ctx)
	if err != nil {
		return nil, nil, err
	}
	cash, lent = map[bucketDay]int64{}, map[bucketDay]int64{}
	for _, e := range entries {
		if e.account == "2290" {
			cash[bucketDay{e.bucket, e.booked}] += e.amount
		}
	}
	err = l.books.each(ctx, "loan", `SELECT e.bucket, h.booked_on, e.amount_minor FROM journal_entry e
		JOIN journal h ON h.bucket = e.bucket AND h.id = e.transaction_id WHERE e.account = '2290'
		UNION ALL SELECT bucket, day_on, amount_minor FROM journal_sum WHERE account = '2290'`, func(r *sql.Rows) error {
		var key bucketDay
		var amount int64
		if err := r.Scan(&key.bucket, &key.on, &amount); err != nil {
			return err
		}
		lent[key] += amount
		return nil
	})
	return cash, lent, err
}

func clearingMeets(ctx context.Context, l *look, f *finding) error {
	cash, lent, err := l.clearing(ctx)
	if err != nil {
		return err
	}
	of := map[int64]int64{}
	for _, side := range []map[bucketDay]int64{cash, lent} {
		for key, amount := range side {
			of[key.bucket] += amount
		}
	}
	for bucket, sum := range of {
		same(f, sum, 0, "bucket %d: 2290", bucket)
	}
	return nil
}

func trialBalance(ctx context.Context, l *look, f *finding) error {
	for journal, query := range map[string]string{
		"payment": `SELECT account, SUM(amount_minor), COUNT(*) FROM journal_entry GROUP BY account`,
		"loan": `SELECT account, SUM(amount_minor), COUNT(*) FROM (SELECT account, amount_minor FROM journal_entry
			UNION ALL SELECT account, amount_minor FROM journal_sum) j GROUP BY account`,
	} {
		var all, memo int64
		err := l.books.each(ctx, journal, query, func(r *sql.Rows) error {
			var account string
			var sum, entries int64
			if err := r.Scan(&account, &sum, &entries); err != nil {
				return err
			}
			f.saw(1)
			if !charted(journal, account) {
				f.wrong("%s posts %d entries to %q, which is no account of its chart", journal, entries, account)
			}
			all += sum
			if strings.HasPrefix(account, "90") {
				memo += sum
			}
			return nil
		})
		if err != nil {
			return err
		}
		same(f, all, 0, "%s: all accounts", journal)
		same(f, memo, 0, "%s: memo accounts", journal)
	}
	return nil
}

// daySums: payment's sums of sealed days, and what loan keeps of each transaction on 2290.
func daySums(ctx context.Context, l *look, f *finding) error {
	if err := cashDays(ctx, l, f); err != nil {
		return err
	}
	return l.loanTransactions(ctx, func(t loanTransaction) {
		same(f, [2]int64{t.storedDebit, t.storedCredit}, [2]int64{t.debit, t.credit}, "loan: transaction %d: debit and credit on 2290", t.id)
		on := ""
		if t.debit+t.credit > 0 {
			on = t.booked
		}
		same(f, t.clearingOn, on, "loan: transaction %d: day of its clearing", t.id)
	})
}
