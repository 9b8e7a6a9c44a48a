// Package alpha speaks with channel alpha: JSON over HTTP, signed both ways with Ed25519 over method, path, time, a
// nonce and the hash of the body.
package alpha
