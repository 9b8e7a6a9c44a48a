// Package beta speaks with channel beta: forms over HTTP in the manner of UnionPay, each signed with RSA over the
// SHA-256 of its sorted fields. Beta accepts first and tells the truth later, by callback or query; it calls back
// successes only.
package beta
