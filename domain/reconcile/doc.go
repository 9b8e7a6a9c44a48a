// Package reconcile compares what a channel states for a day with what we hold, line by line, and says what follows.
//
// A statement is checked whole before a line of it is believed: one fault refuses the file. Then every line and every
// item of ours falls into exactly one class (class.go), by a full outer join on the channel's number, or ours, on the
// settlement date and never on a local date. What a line says of the bank is always booked as the bank did it; what
// remains of an item in transit is a difference, with its class, until it is explained or two people correct it
// (posting.go). A reissued file is compared with its predecessor, and only what changed is done again (diff.go).
package reconcile
