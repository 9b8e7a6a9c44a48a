// Package user owns persons, staff, devices, sessions, consents, bank cards, identity checks, the keysets of all persons
// and the tokens that stand for their values.
//
// It calls nobody and reads nobody's log. Outside it asks an identity channel (service/user/channel). It tells
// UserRegistered, LoggedIn, SessionRevoked, CodeIssued (sealed to notify), ConsentGiven, ConsentWithdrawn,
// IdentityVerified, IdentityRefused, CardBound and CardUnbound, without a personal value.
//
// It promises: a personal value rests only as vault ciphertext and leaves only by Reveal, for a purpose that the caller's
// service may state, and each time a row says so; one mobile, one ID number and one card belong to one person; nothing is
// processed without the live consent that it needs; a session token and a one-time code are stored only as hashes; every
// change of state has its audit row in the same transaction; an unknown mobile, login or id is answered like a known one
// that is not the caller's.
//
// Of times, sessions, codes, rate limits and locks run in real time; all else is business time.
package user
