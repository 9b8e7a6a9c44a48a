// Package beta is the sandbox's second payment channel, in the manner of UnionPay: form-encoded messages signed with
// RSA, POST /gateway/api/trans and /gateway/api/query.
//
// It only ever accepts an order; the truth comes later, by a callback for a success and by a query for the rest. The key
// of an order is merchant, order number and transaction time: repeated with the same content it is accepted again and
// nothing more happens; with other content the answer is code 12.
package beta
