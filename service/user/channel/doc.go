// Package channel is where parties that know who people are come in: licensed sources of the four-element check (name,
// ID number, card number, mobile at the bank).
//
// A channel is asked with a request id that never changes for one question, so that asking again is harmless. Only an
// answer whose signature fits counts; anything else is ErrUnknown, and the question is put again later.
package channel
