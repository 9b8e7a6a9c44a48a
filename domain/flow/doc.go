// Package flow decides an application: a policy (steps, rules, card, grades, limits, prices: all data) applied to a profile (what is
// known of one applicant) gives approve, reject or manual with a limit, a price, reasons and the path that led there.
//
// It is pure. The same profile, policy and business date give the same decision for ever, bit for bit except for elapsed times, so a
// stored decision can be repeated and compared.
//
// A policy is refused when it is loaded if it could not decide: a step, grade, price or sentence missing, a price above its cap, a card
// or rule that reads a field not allowed for its use (age decides admission only; device, ip and counts of applications serve
// fraud checks only), a test that does not come out as stated. What must be known for an approval and is not known sends the application
// to a person; nothing unknown is ever approved or held against the applicant.
package flow
