// Package loan owns the business of lending: products, credit limits, applications, contracts, loans, their plans and the
// loan journal.
//
// It calls user (who somebody is, his consents, cards and tokens, values for a contract), risk (the decision) and payment
// (orders). It follows the logs of payment, user and risk. It tells ApplicationMoved, LimitChanged, ContractSigned,
// LoanMoved, ScheduleFixed, BillIssued, OverdueChanged, RepaymentApplied, RepaymentReversed, DebitFailed, DayMarker, DayClosed and the
// journal's Posted.
//
// What it promises:
//
//   - A quote, a disclosure and a loan are the same arithmetic (domain/schedule, domain/cost): nothing can be charged that
//     the table of costs did not show.
//   - An application is decided once. Apply stores it before risk is asked, so a crash or a slow risk only delays the answer.
//   - A person has at most one open application, and total >= frozen + used holds for his limit at every moment.
//   - Nothing is signed whose table of costs was not confirmed after being open long enough; a signature makes the loan in
//     the same commit.
//   - A repeated request with the same key answers the same thing for ever; with another body it is refused.
//   - States move only by the tables of domain/loan and by compare-and-set; every move is kept with its time and told.
//
// Domain packages: money, calendar, schedule, cost, legal, loan, ledger, allocate.
package loan
