// Package startbench measures how long the program takes from exec until it is ready, on a new data folder and on one that
// it knows, and how much memory it holds then.
//
//	make build && go test ./bench/start -run none -bench . -benchtime 5x
//
// HENGDAI_TEST_BINARY names another binary than bin/hengdai. Memory is read from /proc.
package startbench
