// Package demo takes applicants from a file through the whole business of a lender, from outside: every act is a call
// of the public HTTPS API from the applicant's own address, every decision of a person is a call of the Staff API, and time is moved
// day by day on the sandbox calendar until every loan has ended or aged.
//
// What it knows of a row's label it tells to nobody but the sandbox's bank: a borrower who will stop paying is one whose account runs dry.
// It imports no service and no domain package; package invariant below it judges the run from raw tables and the
// sandbox's own journals.
package demo
