// Package policy holds the policies and scorecards that are shipped, as files, and reads policy documents as people write them (YAML).
package policy
