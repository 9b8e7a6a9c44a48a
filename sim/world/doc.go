// Package world runs a whole system from outside, as an operator does: one process of the program for each service and
// one for the outside parties, all on loopback, with SQLite files or with databases of a MariaDB server. Any process can
// be killed, stopped for a while and started again on its data; the other packages of sim look at what becomes of it.
package world
