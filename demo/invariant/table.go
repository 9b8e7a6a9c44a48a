package invariant

import "context"

// invariant is one row of the table.
type invariant struct {
	name, says string
	check      func(ctx context.Context, l *look, f *finding) error
	// idle: a run may have nothing to examine.
	idle bool
}

// look is one look at the books: what several checks need is read once.
type look struct {
	books            *Books
	cashRead         cached[[]cashEntry]
	lentRead         cached[*loanBook]
	dealingsRead     cached[*dealings]
	statedRead       cached[[]stated]
	limitsRead       cached[map[int64]limit]
	contractsRead    cached[map[int64]*contract]
	applicationsRead cached[map[int64]*application]
}

// cached is something that is read at most once in a look.
type cached[T any] struct {
	done  bool
	value T
	err   error
}

func once[T any](c *cached[T], read func() (T, error)) (T, error) {
	if !c.done {
		c.value, c.err = read()
		c.done = true
	}
	return c.value, c.err
}

// table is every invariant.
func table() []invariant {
	return []invariant{
		{"journal.balanced", "every transaction of both journals adds up to zero inside its bucket, with two entries at least", journalBalanced, false},
		{"journal.clearing", "account 2290 adds up to zero over both journals, in every bucket", clearingMeets, false},
		{"journal.trial", "each journal adds up to zero, memo accounts by themselves, and posts to accounts of its chart only", trialBalance, false},
		{"journal.stored", "stored balances, running balances and places are those of the entries", cashBalances, false},
		{"journal.day_sums", "sums of a day that are stored are those of the day's entries", daySums, false},

		{"party.effects", "what a party did is one order of ours, once, of the same amount and direction; an order not paid had no effect", partyEffects, false},
		{"party.identity", "whoever applied was verified before; every verification is a match in the bureau's journal", identified, false},
		{"party.messages", "every message went out once at the provider, or never if it was not to", messagesSent, false},
		{"party.transit", "account 3001 of each channel is what our orders moved there less what its files have settled", transit, false},
		{"party.bank", "account 1002 is what the channels' own journals moved on the days whose files are here, fees taken off", bankMoved, false},
		{"party.statements", "every closed settlement date ties, with its lines and from day to day, and none but the newest is open", statementsTie, false},
		{"party.cards", "the parties' journal has no gap, and each card there holds what it gave and took", partyCards, false},
		{"party.orders", "loan and payment tell the same of every order", ordersAgree, false},
		{"party.repayments", "what the parties took from a person was received, and is allocated, waits, or went back", repayments, false},
		{"party.deductions", "no order takes more than is owed on its day; receipts are split in the contract's order", deductions, false},
		{"party.refused", "nobody who was refused or withdrew was paid; whoever was paid out was approved that amount", refusedUnpaid, false},

		{"payment.attempts", "an order has one live attempt at most, and each end of an attempt has its evidence", attemptsSound, false},
		{"payment.holds", "what is held for an order is its amount, and ends as the order ends", holdsSound, false},
		{"payment.breaks", "no contradiction between a party and us is open", breaksNone, false},

		{"loan.principal", "what was lent on a loan is what was repaid and what stands on 1303; its row says the same", loanPrincipal, false},
		{"loan.accounts", "every account of every loan, by own entries and shares of daily sums, is what terms and events give", loanReceivables, false},
		{"loan.shares", "the shares of the loans re-add to the daily sums, by product, bucket and account", accrualShares, false},
		{"loan.settled", "a loan is settled exactly when it owes nothing, and was charged what terms and dates give", loanSettled, false},
		{"loan.plan", "the plan that was told is the one its terms give, row by row, and repays the principal", schedules, false},
		{"loan.snapshot", "the life stored with a loan, of which bills are made, is the one its events give", snapshots, false},
		{"loan.standing", "days past due, bucket, class, lock and non-accrual of a loan follow from its events", loanStanding, false},

		{"limit.held", "used is the principal a person owes, frozen what was approved and not paid out, the total covers both", limitsHeld, false},
		{"limit.history", "the changes of a limit lead one by one to what it is", limitsHistory, false},

		{"contract.behind", "every loan has an application and a signed contract of the same person, amount, rate and term", contractBehind, false},
		{"contract.disclosed", "the table of costs was true, read long enough and confirmed before the signature", disclosed, false},
		{"contract.first", "no money left for a loan before its contract was signed, by the party's clock", signedFirst, false},
		{"contract.cap", "no loan costs more than 24 % a year, from the day its money left", costCapped, false},
		{"risk.decisions", "every decision is one application's, with the same outcome, and none was approved against it", decisions, false},

		{"day.closed", "business dates follow each other, closed and sealed in all partitions; nothing is held or set aside", daysClosed, false},
		{"day.totals", "what a business date says of itself is what was booked and ordered on it", dayTotals, false},
		{"day.agree", "on every date and in every bucket both journals have the same on 2290", daysAgree, false},

		{"log.dense", "positions in every partition of every log are 1, 2, 3 to its head", logsDense, false},
		{"log.followed", "every follower stands at the heads of the logs it follows", followers, false},
		{"log.parked", "no event is parked", nothingParked, false},
		{"effect.done", "no stored effect has failed for good", effectsDone, false},
		{"audit.chain", "the chain of recorded acts of every service is unbroken", auditChains, false},

		{"state.known", "every stored state is in its closed list", statesKnown, false},
		{"state.moves", "every kept move may happen, begins where the last ended, and the last leads to what is stored", movesAllowed, false},
		{"collection.cases", "a loan has one live case at most: an overdue one has it, another has none", cases, false},
		{"report.entries", "report's ledger has every entry of both journals once, and no other", reportEntries, false},
		{"report.sums", "report's sums by day and account are those of the journals", reportSums, false},
		{"report.lists", "report says of every loan, order and application what its own service says", reportLists, false},
		{"personal.nowhere", "no name, ID number, card or mobile of the population is readable in any table of any service", personalNowhere, false},
	}
}
