// Package id makes the numbers of rows.
//
// An id is 41 bits of milliseconds since 2026-01-01 UTC, 6 bits of node, 6 bits of sequence and the 10 bits of the bucket
// of the user that the row belongs to, so the bucket of every row is in its id. The order of ids is a hint and never a
// cursor.
//
// A generator never gives an id twice, whatever the clock does and whenever the process ends: it keeps
// last = max(now, last), steps one millisecond when a sequence is full, and gives ids only up to an instant that it has
// stored beforehand. Its node number is leased in the database that the ids are for. Whoever takes over an expired lease
// starts behind the stored instant, so a generator that slept through its lease and wakes again still gives nobody
// else's ids: those up to the stored instant were its own, and its next renewal finds that it must take another number.
package id
