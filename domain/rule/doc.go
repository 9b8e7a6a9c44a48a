// Package rule holds rules as data: a condition over a typed struct, what follows when it holds, and the tests that prove it.
//
// A rule is compiled once, when its set is loaded. Loading refuses, with the rule's id and the place in its condition: an unknown
// name, a type error, a construct that could loop, divide or grow, a value that may be missing and is read without asking whether it
// was given, and a rule whose own tests do not come out as they say. What was loaded can therefore be evaluated in bounded time.
//
// Evaluation says for every rule in force what it read and whether it held; for a condition made of alternatives, which of them.
// A rule that fails while it runs is reported as failed, never as not held.
package rule
