// Package keys keeps the keys of processes and parties as files in one folder, which lies apart from the data folder:
// who has a copy of the data has no key.
//
// For each process there is an Ed25519 key that signs principals and an X25519 key to which others seal values. For
// each outside party there is a key of ours (merchant-<party>) and a public key of theirs (party-<party>). user alone
// opens the key-encryption key (a tink keyset, so it can be rotated) and the index master key.
//
// Files are `<name>.key` (0600, PKCS8 PEM) and `<name>.pub` (PKIX PEM). With create, whatever is missing is made; this
// is safe while several processes start on the same folder, because a file appears whole or not at all and the first
// one wins. A private file that others may read is refused.
package keys
