// Package collection follows arrears: a case opens on the first day past due and closes when nothing is overdue.
//
// It owns cases, what was done in them, and the strategy that plans contacts (domain/collection). It asks loan what is owed at the moment, and
// user for the masked name that a collector sees. It reads loan's log. It tells collection.v1.CaseOpened, CaseMoved and ContactPlanned.
//
// It promises:
//   - One open case a loan. An event that comes twice changes nothing.
//   - A contact is planned once, never while a debit or repayment is under way, a promise runs or a person paused the case, and never by way of catching up. Whether
//     the message leaves is decided by notify's contact guard alone.
//   - Notes rest sealed under the borrower's key of class "collection". Acts are numbered and never changed.
package collection
