// Package audit records acts: who did what to what, when and why.
//
// A row is written in the transaction of the change it records, so there is no change without its row. A job (Step)
// chains the rows of a service: each row's hash covers the row and the hash before it. Verify recomputes the chain and
// names the first row that was changed, added or taken away. Who can replace every later row and the chain's end too is
// found by comparing the head with one that was kept elsewhere.
//
// Details hold names, states and amounts, never a personal value.
package audit
