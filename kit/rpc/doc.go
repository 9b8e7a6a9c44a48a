// Package rpc is how the services of hengdai speak with each other: Connect over HTTP, in one process or over the
// network, with the same interceptors either way.
//
// A server recovers panics, counts and traces requests, checks the signed principal and the access option of the
// method, translates validation and decoding errors into a sentence that names the field, and sends every error as
// its code plus rpc.v1.ErrorDetail. A client signs the principal, carries language, trace and deadline, and gives the
// same *errs.Error back. Directory knows where a peer lives: here (Local calls its handler), elsewhere (Remote dials)
// or nowhere (unassigned answers unavailable). No service can tell which.
//
// A principal lives for a minute by real time. A person's, party's and partner's principal may be stated by the
// gateway only; every other process speaks for itself and names the person as Origin.
package rpc
