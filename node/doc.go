// Package node is the only wiring: it reads which services run in this process, opens their databases, gives each the
// clients of its peers, mounts what they serve and runs their jobs.
//
// The table in services.go is the whole of it: a service is a row. Whether a peer runs in this process or in another is known to the
// directory of kit/rpc and to nobody else.
//
// Start order does not matter: a client finds its peer at each call, and a peer that is not there yet answers
// unavailable. Close drains: listeners first, so that nothing new comes in, then jobs, then databases.
package node
