// Package secret holds values that must not be printed, logged, marshalled or stored by accident: names, ID numbers,
// mobiles, card numbers, one-time codes, passwords.
//
// A String keeps its value inside a closure, because fmt reads unexported fields and follows pointers without calling
// any method: only a func value shows nothing there. Every way out except Reveal gives "***" or an error.
package secret
