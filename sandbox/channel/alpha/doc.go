// Package alpha is the sandbox's first payment channel: JSON under Ed25519-signed headers, POST /v1/pay and /v1/query.
//
// Most orders are final in the answer; a share is answered PROCESSING and finished later. Every final state is called
// back until the callback is taken. A request number is one order: with the same content it gets the order as it stands,
// with other content code REQUEST_NO_REUSED.
package alpha
