package ledger_test

import (
	"errors"
	"testing"

	"github.com/hengdai/hengdai/domain/ledger"
)

func TestEveryPostingBalancesAndStaysInItsJournal(t *testing.T) {
	postings := map[string][]ledger.Entry{
		"P payout":         ledger.PayoutSent("alpha", 100),
		"P returned":       ledger.PayoutReturned("alpha", 100),
		"P collected":      ledger.CollectionReceived("alpha", 100),
		"P refund":         ledger.RefundSent("alpha", 100),
		"P refund back":    ledger.RefundReturned("alpha", 100),
		"P charged back":   ledger.ChargedBack("alpha", 100),
		"P out settled":    ledger.MoneyOutSettled("alpha", ledger.Bank, 100, 2),
		"P in settled":     ledger.MoneyInSettled("alpha", ledger.Custody, 100, 2),
		"P unidentified":   ledger.MoneyInUnidentified("alpha", 100),
		"P in ours only":   ledger.MoneyInOursOnly("alpha", 100),
		"P out only":       ledger.MoneyOutChannelOnly("alpha", 100),
		"P recovered":      ledger.RecoverableCame("alpha", 100),
		"P never paid":     ledger.RecoverableNeverPaid(100),
		"P lost":           ledger.RecoverableLost(100),
		"P sent back":      ledger.UnidentifiedSentBack("alpha", 100),
		"L disbursed":      ledger.Disbursed(100),
		"L returned":       ledger.ReturnedToUs(100),
		"L paid again":     ledger.PaidAgain(100),
		"L cancelled":      ledger.ReturnCancelled(100),
		"L collected":      ledger.Collected(100),
		"L refund ordered": ledger.RefundOrdered(100),
		"L refund refused": ledger.RefundRefused(100),
		"L refunded":       ledger.Refunded(100),
		"L refund back":    ledger.RefundCameBack(100),
		"L charged back":   ledger.RepaymentChargedBack(100),
		"L payee":          ledger.PayeeSettled(100),
		"L costs":          ledger.CostsAdvanced(100),
	}
	for name, entries := range postings {
		tx := ledger.Transaction{Event: name, Entries: entries}
		if err := tx.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, e := range entries {
			account, _ := ledger.Find(e.Account)
			if account.Journals != "PL" && account.Journals != name[:1] {
				t.Errorf("%s posts to %s, which is not in its journal", name, e.Account)
			}
		}
	}
}

func TestClearingMeetsBetweenTheJournals(t *testing.T) {
	pairs := [][2][]ledger.Entry{
		{ledger.PayoutSent("a", 7), ledger.Disbursed(7)}, {ledger.CollectionReceived("a", 7), ledger.Collected(7)},
		{ledger.PayoutReturned("a", 7), ledger.ReturnedToUs(7)}, {ledger.PayoutSent("a", 7), ledger.PaidAgain(7)},
		{ledger.RefundSent("a", 7), ledger.Refunded(7)}, {ledger.RefundReturned("a", 7), ledger.RefundCameBack(7)},
		{ledger.ChargedBack("a", 7), ledger.RepaymentChargedBack(7)},
	}
	for i, pair := range pairs {
		p, l := ledger.Transaction{Entries: pair[0]}, ledger.Transaction{Entries: pair[1]}
		if p.On(ledger.ClearingAccount)+l.On(ledger.ClearingAccount) != 0 {
			t.Errorf("pair %d leaves a rest on clearing", i)
		}
	}
}

func TestAWrongTransactionIsRefused(t *testing.T) {
	wrong := map[string]struct {
		entries []ledger.Entry
		want    error
	}{
		"none":            {nil, ledger.ErrEntry},
		"unbalanced":      {[]ledger.Entry{{Account: "1303", AmountMinor: 5}, {Account: "2290", AmountMinor: -4}}, ledger.ErrUnbalanced},
		"unknown account": {ledger.Move("1303", "4711", 5), ledger.ErrEntry},
		"channel missing": {ledger.Move("2290", "3001.", 5), ledger.ErrEntry},
		"zero":            {[]ledger.Entry{{Account: "1303"}, {Account: "2290"}}, ledger.ErrEntry},
		"memo and books":  {ledger.Move("9011", "6011", 5), ledger.ErrUnbalanced},
		"overflow": {[]ledger.Entry{{Account: "1303", AmountMinor: 1<<63 - 1}, {Account: "1303", AmountMinor: 1<<63 - 1},
			{Account: "2290", AmountMinor: 2}}, ledger.ErrEntry},
	}
	for name, c := range wrong {
		if err := (ledger.Transaction{Entries: c.entries}).Validate(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAReversalTakesBackEverything(t *testing.T) {
	tx := ledger.Transaction{ID: 1, Event: "payout", BookedOn: 10, ValueOn: 9, Entries: ledger.Disbursed(100)}
	back := tx.Reversal(2, 20)
	if back.Reverses != 1 || back.BookedOn != 20 || back.ValueOn != 9 || len(ledger.Join(tx.Entries, back.Entries)) != 0 {
		t.Errorf("wrong reversal: %+v", back)
	}
}
