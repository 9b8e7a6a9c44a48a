// Package collection follows arrears: a case opens on the first day past due and closes when nothing is overdue.
//
// It owns cases, what was done in them, and the strategy that plans contacts (domain/collection). It asks loan what is owed at the moment, and
// user for the masked name that a collector sees. It reads loan's log. It tells collection.v1.CaseOpened, CaseMoved, ContactPlanned and
// ContactWithdrawn.
//
// It promises:
//   - One open case a loan. An event that comes twice changes nothing, one that comes late is put right by the next look at the loan itself:
//     a case whose loan owes nothing closes. Arrears that come back by a charged back repayment go on in their old case.
//   - A contact is planned once, never while a debit or repayment is under way, a promise runs or a person paused the case, and never by way of
//     catching up: of steps that were missed only the latest. Whether the message leaves is decided by notify's contact guard alone.
//   - A contact that has not left is withdrawn when money came, a promise or pause began, or a later contact takes its place.
//   - Plans are made for loan's day, after its debits were ordered, so the clock may jump over many days.
//   - An act of a member of staff and an event that meet in one case both take effect, one after the other. Neither is lost, parked or refused.
//   - Notes rest sealed under the borrower's key of class "collection". Acts are numbered and never changed.
package collection
