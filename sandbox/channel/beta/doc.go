// Package beta is the sandbox's second payment channel, in the manner of UnionPay: form-encoded messages signed with
// RSA, POST /gateway/api/trans, /query and /file.
//
// It only ever accepts an order; the truth comes later, by a callback for a success and by a query for the rest. The key
// of an order is merchant, order number and transaction time: repeated with the same content it is accepted again and
// nothing more happens; with other content the answer is code 12.
//
// A statement has the ZM layout: GBK, records of 607 bytes in 41 fields with CRLF, one a movement; it is in the answer as
// base64 of its zlib form, with its SHA-256, its sums in summaryContent. Field 1 is S12 for a payout, S11 for a collection,
// R12 for a payout that came back, R11 for a collection charged back. The day ends at 23:00: what is finished later is
// settled under the next date, everywhere.
package beta
