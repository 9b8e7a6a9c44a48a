// Package log is how services tell each other what happened.
//
// A service appends events to its own log in the unit of work that causes them. A row is written without a position:
// ids and commits do not come in the same order, and whoever numbers before commit loses what commits late. After commit
// one leased numberer (Log.Step) moves the rows into the log proper and gives each partition dense positions; a numberer
// that was replaced without knowing it is fenced by a compare-and-set on the partition's head. A partition is the bucket
// modulo 16, so a user's events stay in one.
//
// A Follower pulls another service's log, in process or over the network, and commits each event's effect together with
// its position in its own database. A position already stored is a duplicate and is dropped. A gap stops that partition.
// An event that cannot be taken in is tried a few times and then parked with all later events of the same user, and only
// of that user, until a person has it retried.
//
// Promises: an event is seen if and only if its unit was committed; each is taken in once; events of one user that one
// process wrote one after another are seen in that order. A user's events that two processes write within the difference
// of their clocks may be seen in either order.
//
// Events carry ids, amounts, dates, states and tokens, never personal values.
package log
