// Package schedule makes the plan of a loan: which sums fall due when.
//
// P principal, n instalments, f_k the rate factor of period k (annual rate x part of a year by the day count), B_k the
// balance before period k. All sums are whole minor units; every rounding is the terms' (half_up unless said).
//
//	equal_instalment  等额本息   A = P x prod(1+f_k) / sum_k prod_{j>k}(1+f_j), rounded; interest_k = round(B_k x f_k);
//	                            principal_k = A - interest_k; the last row takes the rest of the principal. With equal
//	                            factors this is P r (1+r)^n / ((1+r)^n - 1).
//	equal_principal   等额本金   principal P/n rounded down, the rest in the last row; interest_k = round(B_k x f_k)
//	interest_first    先息后本   interest each period, principal with the last row
//	at_maturity       一次性还本付息  one row at the end of the whole term with simple interest
//	flat              固定费率   total interest = round(P x rate x term) split evenly and rounded down, the rest in the
//	                            last row; principal as equal_principal
//
// A first period that is longer or shorter than the others is charged by its real days. With first_period level all
// instalments are equal over the real days; with extra the odd days are charged in row 1 above the regular instalment.
// instalment_multiple_of rounds A to the nearest multiple; the last row takes the rest. Grace: the first rows may be
// without principal; interest of the first rows may be deferred (due, without compounding, in the first later row) or
// free. No row ever has negative principal: terms that would lead there are refused.
//
// A method is one file and one row in methods.go; the property tests range over the table.
//
// A is found in 128-bit fixed point (116 bits after the point); if the answer lies so near a tie of rounding that the
// fixed point cannot tell, it is decided by exact rational arithmetic.
//
// Sources: lending design "Schedules"; compliance.md R59, R60; 民法典 Art. 670 (principal = what was paid out).
package schedule
