// Package arch holds the rules of ARCHITECTURE.md as tests: who may import whom, who may call and wait for whom, whose
// log may be read, which packages are pure, where SQL may stand, how long a file may be. It reads the tree with go/parser and not with
// go list: go test notes the files a test opens and so knows when a cached result is stale; it cannot see what a subprocess
// read.
package arch
