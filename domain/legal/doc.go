// Package legal is the one dated table of numbers that law, regulators and courts set for lenders.
//
// A row says what number holds for which type of lender from which day to which day, where it is written (the rule ids
// R1... of the compliance rule book, docs/compliance) and who confirmed it. Code asks by parameter, lender type and
// date; no legal number stands anywhere else. A row for a lender type wins over the row for every lender.
//
// A number that would loosen a limit and was not confirmed by a compliance officer is listed under Pending and not
// applied.
//
// Rates are in parts per million a year (240000 = 24 %), factors in thousandths, money in fen.
package legal
