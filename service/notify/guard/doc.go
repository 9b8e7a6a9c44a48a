// Package guard says whether a person may be contacted at an instant, and if not, when it is worth asking again. It is
// pure: time, counters and stops come in as arguments.
//
// Collection contact keeps to the hours and daily counts that domain/legal states for the day (compliance R45, R46) and
// to the lender's own stricter policy in policy.yaml, and stops wholly while a stop holds. Notices keep to quiet hours.
// One-time codes and urgent messages pass at any hour.
package guard
