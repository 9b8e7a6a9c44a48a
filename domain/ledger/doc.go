// Package ledger is double entry: a chart of accounts, transactions that balance, and the postings of each event.
//
// Two journals keep one ledger: payment's journal holds cash (P), loan's journal holds claims (L). They meet in the
// clearing account 2290: payment posts cash against clearing, loan posts clearing against receivables, so that over
// both journals clearing is zero, per bucket and posting date, once both have booked.
//
// The chart follows the Chinese accounting standards (1303 贷款, 1132 应收利息, 6011 利息收入, 2221 应交税费); the rows and
// the postings are the tables of the ledger design. Words: a posting is never changed; a mistake is reversed by another
// transaction that names the first. Entries carry booked_on (the accounting date) and value_on (the date the money
// moved or the claim arose).
package ledger
