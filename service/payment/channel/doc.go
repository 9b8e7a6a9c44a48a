// Package channel is where payment meets the outside parties that move money: one interface of four methods, one
// package a party, one table of all of them (all), one suite over the table (channeltest).
//
// A channel translates and checks signatures; it decides nothing. What its answers prove is decided by domain/payment
// with the closed list of codes that the channel's profile states. An error of Submit or Query says that nothing is
// known: the money may have moved.
package channel
