// Package party is the machinery that every outside party of the sandbox is made of: its schema, request signatures
// both ways with protection against replay, latency, faults, callbacks that are repeated until they are taken, and the
// journal of what the parties really did.
//
// It promises: what was answered is stored before the answer leaves; a journal row and the effect it tells of commit
// together; a fault changes what a caller sees, never what the journal says happened; the same seed and the same
// request numbers meet the same faults.
package party
