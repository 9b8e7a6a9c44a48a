// Package sms is the sandbox's SMS provider. It stores what it is asked to send, shows it on a page so that a person can
// read his one-time code, and reports delivery by a signed callback: POST /v1/send and /v1/query.
//
// A request id is one message: sent again with the same mobile and text it gets the same message number, and no second
// message goes out.
package sms
