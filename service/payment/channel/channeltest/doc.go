// Package channeltest is the one suite that every channel of the table passes, against the sandbox's real server for it:
// what it must do when all is well, what it must not believe, and that repeating a number never moves money twice. A new
// channel is tested by its line in the table.
package channeltest
