// Package vault seals personal values, so that they rest in databases only as ciphertext.
//
// Each person has a data key (a tink AES-256-GCM keyset) per retention class. The ciphertext lies with the service that
// owns the field; the keysets lie only with user, wrapped by the key-encryption key, and are handed out for one stated
// purpose. Erasing a class of a person is deleting its keyset: what was sealed by it can never be read again.
//
// A sealed value is bound to its field and its person: moved to another row or column it does not open. Its first byte
// names the algorithm, so another suite can be added beside this one. Values are found again by blind index (Index).
// What goes from process to process is sealed to the reader's public key (SealTo).
package vault
