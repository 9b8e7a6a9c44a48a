// Package task is work for people: reviews, manual orders, cases. The rows lie with the service that owns the subject.
//
// A task waits in a queue, is claimed under a lease, and is done, given back, skipped (with a reason; it is not handed
// to the same person again), handed over or cancelled. A lease that runs out gives the task back by itself: leases are
// elapsed time, deadlines business time. A task's subject is in a queue once per turn, so opening it again is harmless.
package task
