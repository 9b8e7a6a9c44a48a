// Package bureau asks an identity bureau that speaks signed JSON: Ed25519 over method, path, time, nonce and body hash,
// both ways.
package bureau
