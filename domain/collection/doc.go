// Package collection decides about cases (催收案件): which state follows which event, and on which days past due the borrower is
// reminded and how.
//
// Whether a message may leave at all is not decided here: every one passes notify's contact guard, which knows hours,
// counts and consents (compliance R45-R47). What is here only plans.
package collection
