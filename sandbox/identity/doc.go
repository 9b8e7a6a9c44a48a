// Package identity is the sandbox's identity bureau. It compares four elements (name, ID number, card number and the
// mobile registered at the bank) with the population, and answers nothing it does not know: POST /v1/verify4.
//
// The same request id with the same elements gets the same answer for ever, even if the population changed since; with
// other elements it is refused by 409 and code 2001.
package identity
