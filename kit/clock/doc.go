// Package clock tells the two kinds of time that code may ask for.
//
// Business time is Clock.Now: real time plus an Offset that exists only in the sandbox profile and only grows. Dates of
// loans, notices and effects follow it. Elapsed time is Real: leases, deadlines, breakers, TLS and signatures use it, and
// moving the sandbox's calendar does not touch it. (The third kind, the business date, is a row of the loan service.)
//
// No other package calls time.Now or time.Sleep. Package domain gets time as an argument.
package clock
