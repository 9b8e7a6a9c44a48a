// Package invariant is an independent audit of an installation that has finished or is running: it reads the raw tables
// of every service's database and the outside parties' own journal, and says which of a list of invariants hold.
//
// Nothing of service or domain is imported. Days, day counts, schedules, accrual, penalty, tax, the annual cost, hash
// chains and tables of states are written here a second time, on purpose and in another way (exact fractions, one day
// after the other), so that a fault there is found and not copied. What is shared is the meaning, which is that of the
// lending and money designs, and the names of tables and columns.
//
// Each invariant is one row of the table in table.go: a name, a sentence and a check. A check that meets nothing to
// examine has failed, unless its row says that there may be nothing; so has one that cannot read what it needs. Findings
// name ids, dates and amounts, and nothing that belongs to a person.
package invariant
