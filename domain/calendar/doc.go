// Package calendar is dates and the counting of days.
//
// A Date is a civil day in Asia/Shanghai, held as the number of days since 1970-01-01; it knows no clock and no hour.
// The day money leaves counts and the day it comes back does not (算头不算尾): from 1 March to 4 March are 3 days, and
// the same day is 0 days.
//
// Due dates are computed from the original day, never from the date before, so 31 January, 28 February, 31 March and
// not 28 March. A month without that day gives its last day (clamp) or the first of the next (roll).
//
// Day counts give the part of a year between two dates, as days over a fixed divisor per convention, so that stretches
// add up without rounding:
//
//	30/360         a whole month counts 30; broken days count actual/360 and never more than the period
//	actual/360     days / 360
//	actual/365     days / 365
//	actual/364     days / 364
//	actual/actual  days in a leap year / 366 + other days / 365; the days of a stretch are those after its start through
//	               its end
//	period         a month is 1/12 of a year, a week 7/365, a day 1/365; broken months as 30/360
//
// Sources: compliance.md R59 (habit of Chinese lenders), ISDA 2006 section 4.16 for the names.
package calendar
