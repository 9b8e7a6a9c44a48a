// Package report is what staff read over all services: the general ledger view, the trial balance, lists, counts.
//
// It owns nothing but copies. It calls user only to show a value, and reads the logs of loan, payment and risk. It tells nothing.
//
// It promises:
//   - Every figure is made from the logs alone: throwing the copies away and reading a log again from its beginning (Rebuild)
//     gives the same figures.
//   - An entry is counted once, whatever comes twice.
//   - The trial balance says itself whether it balances, and whether the two journals meet in the clearing account.
package report
