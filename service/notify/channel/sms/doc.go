// Package sms speaks to the SMS provider: JSON under signed headers, in both directions.
//
// An answer that is not signed by the provider over this very request, or is older than five minutes, is no answer: the
// message may have gone out, and a query tells.
package sms
