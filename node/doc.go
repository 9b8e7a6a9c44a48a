// Package node is the only wiring: it reads which services run in this process, opens their databases, gives each the
// clients of its peers, mounts what they serve and runs their jobs.
//
// The table in services.go is the whole of it: a service is a row. Whether a peer runs in this process or in another is known to the
// directory of kit/rpc and to nobody else.
//
// Start takes every address first and locks every SQLite file before it opens it, so that a second process that is started by
// mistake ends before it touches anything. The order in which processes start does not matter: a client finds its peer at each
// call, and a peer that is not there yet answers unavailable.
//
// Close goes from the outside in: people and partners first, then jobs, then peers and parties, then databases.
//
// Commits, steps of jobs, lag and parked events of every service are told to the measures of the process.
package node
