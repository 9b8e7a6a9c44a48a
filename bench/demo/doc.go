// Package demobench runs the demo of two hundred applicants and tells how long it took and how much memory the one process
// with every service, the sandbox and the applicants' phones held: resident when the last loan had ended, and at its peak until then.
// What the check of the books takes afterwards is told by itself, because it is no part of the product.
//
//	make build && go test ./bench/demo -run none -bench . -benchtime 1x
//
// HENGDAI_TEST_BINARY names another binary than bin/hengdai, HENGDAI_TEST_LIMIT another number of applicants. Memory is read from /proc.
package demobench
