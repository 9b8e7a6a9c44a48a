// Package loan is the life of a loan: its states, and what it owes on any day.
//
// A Life is a pure function of the contract's Terms and of the events that happened: paid out, money received, locked
// by a debit under way, suspended, returned. Nothing is stored per day. From a Life every answer of a day follows:
//
//	interest   of the row whose period holds the day, on principal not yet due: round(cumulative from the row's start);
//	           a day's interest is the difference of two cumulatives, so that the days add up to the bill
//	penalty    on principal due and unpaid, from the due date: contract rate x factor (罚息); paid one day late = one day
//	compound   on interest due and unpaid, at the penalty rate, if the contract says so (复利)
//	cap        each day interest + fees + penalty + compound <= cap x unpaid principal / 365 (366 in a leap year);
//	           compound is trimmed first, then penalty; what is trimmed is counted and never claimed
//	dpd        days since the due date of the oldest instalment not paid in full
//
// Money under way (LOCKED) bears no penalty and no days past due; if it does not come, days past due count from the due
// date again and the locked days stay free of penalty. Money that comes counts from the day its order was locked.
//
// The journal follows from the Life as well: Position is the balance of every account the loan has through a day, and
// each booking is the difference of two positions. The day's close adds up the differences of all loans of a product
// and bucket into one sum; an event books its own difference. So a loan equals its own entries plus its share of the
// sums, and the shares add up to the sums.
//
// All sums are exact: penalties are whole numbers over one divisor per loan (10^9 x the common multiple of the day
// count's and the cap's divisors), added in 128 bits and rounded once.
//
// Sources: lending design; compliance.md R3 (running cap), R14 (penalty), R56 (class), R57 (buckets), R58 (allocation).
package loan
