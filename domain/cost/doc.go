// Package cost is what a loan costs the borrower a year, tested against the caps, and the table that tells him.
//
// The flows of a loan are what he receives (positive) and what he pays (negative). The period rate r solves
//
//	sum of flow_k / (1 + r)^t_k = 0
//
// with t in periods (IRR) or, for dated flows, in years (XIRR). With n periods a year (month 12, week 365/7, day 365):
//
//	annual_simple     r x n, labelled 单利; an odd first period enters as days / (365/n) periods
//	annual_effective  (1 + r)^n - 1; for dated flows (1 + i)^t with t by the day count
//
// The cap is tested on unrounded values: annual_simple, and for uneven periods also n((1 + XIRR)^(1/n) - 1); never on a
// daily rate times 365 alone. A shown rate is rounded up to two decimals of a percent (compliance.md R12).
//
// Rates here are floats: they are compared and shown and never flow back into an amount.
//
// Sources: compliance.md R7, R9-R13; PBOC 公告〔2021〕第3号.
package cost
