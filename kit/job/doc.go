// Package job runs the work that goes on at its own pace: steps that look at what is committed and carry it further.
//
// A Runner runs a service's jobs, each under a lease, so that of several processes on one database one runs it at a time.
// A step is asked again at once while it says that there is more; otherwise it sleeps until something is committed or its
// time has come. An error backs off; a panic is an error. A step must be safe to run again after a crash at any point, and
// must not commit anything when it finds nothing to do: such a job would never be idle.
//
// A Queue carries out effects on the outside that were decided in a transaction: each at least once, under a claim with a
// fence, backing off in real time, until it is done or has failed for good.
package job
