// Package blob keeps documents as files: contracts, statements, images.
//
// A blob is named by the SHA-256 of its content and lies under its owner, sealed by the owner's data key of a retention
// class: erasing the class erases the documents. A file appears whole or not at all, and is written once: the same
// content of the same owner is the same blob.
package blob
