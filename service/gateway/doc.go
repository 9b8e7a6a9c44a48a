// Package gateway is the only entrance of hengdai.
//
// Owns: nothing that lasts. What it knows of sessions it forgets after seconds.
//
// Serves: REST on /v1/... and Connect on /<package>.<Service>/<Method> for every Public and Staff service of the table
// Exposed, callbacks of outside parties on /callbacks/<service>/<party> byte for byte, the API's documentation on
// /docs. Internal services have no way in. gateway.v1 is its own API: what time it is, and, in the sandbox profile,
// moving it.
//
// Calls and waits for: every service; user first, to learn who holds a session.
// Reads: user's log, for sessions that were revoked.
//
// Promises: a request carries the principal that the gateway checked and no other, whatever headers it came with; a
// body is limited, read whole and in time before a service sees it; address, person and kind of request are limited;
// when answers get slow fewer requests are let in, and a peer that fails is left alone for a moment; every refusal is a
// sentence in the caller's language. It keeps no state column, no queue, and never logs a body.
package gateway
