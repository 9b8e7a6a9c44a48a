// Package errs holds the one small closed set of errors that every part of hengdai speaks.
//
// An Error carries a Code (what kind of failure it is, which decides the HTTP status and whether to try again), a
// reason for machines ("loan.amount_above_maximum") and a sentence for a person in Chinese and in English. It
// survives the wire: package rpc sends it as rpc.v1.ErrorDetail and gives the same Error back to the caller. What
// caused it goes to the log only. A sentence never holds a personal value.
package errs
