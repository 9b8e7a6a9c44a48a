// Package document holds the texts that a person can agree to, in Chinese and English: the privacy policy and each
// separate authorisation.
//
// A text is named by document and version and identified by the SHA-256 of its file. A changed text is a new version: the
// old file stays, and service/user's Prepare fails if a text that is kept in its database is not the one here.
package document
