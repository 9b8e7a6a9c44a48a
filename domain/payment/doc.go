// Package payment decides everything about moving money that can be decided without a clock, a network or a
// database: the states of an order and of its attempts, what an answer of a channel means, which channel is taken,
// what follows for the order when an attempt moves, and what the cash journal says about it.
//
// The states are tables and one function applies them. Three promises of the package carry the rest:
//
//   - what is not known is UNKNOWN, and no passing of time makes a failure of it;
//   - another channel is tried only after a failure that is final and listed as final for that channel;
//   - a state never goes back: news that contradicts a final state is booked, raised as a case, and changes no history.
package payment
