// Package store keeps a service's rows: SQLite in a file beside the program, or a server of the MySQL family.
//
// # Writing
//
// DB.Write runs one unit of work: all of it is committed, or nothing, and Write answers after COMMIT has returned. On
// SQLite one goroutine writes and many units share a commit, each in a savepoint of its own (group commit); on MySQL every
// unit has its own transaction, and what a deadlock, a lock wait or a changed snapshot undid is run again. Therefore a
// unit may run more than once, and must make no call to anything but its Tx.
//
// What group commit promises, and how each trap is closed:
//
//   - A statement that is cancelled, or meets a full disk or an I/O error, takes the whole SQLite transaction down, and
//     what follows would commit statement by statement. So statements ignore cancellation; autocommit is looked at before
//     each statement and after each unit; if the transaction is gone, the batch is rolled back and its units run again one
//     by one, so that only the unit at fault suffers.
//   - A deadline is looked at before its unit starts and not later. Nothing is half done for a caller who has left.
//   - A panic is recovered, its savepoint rolled back, and answered as an internal error to its caller alone. So is a unit
//     that ends its goroutine.
//   - Hooks of Tx.AfterCommit run after COMMIT on the caller's goroutine; wake-ups of DB.OnCommit once a commit.
//
// # Reading
//
// DB.Read is for lists and reports and may be a replica; DB.Primary sees every answered write. A unit reads through its Tx.
//
// # Rules for both engines
//
// Update first and insert if there was nothing; a duplicate key runs the unit once more. Every update raises version and
// names the one it read, so zero rows mean absent or stale (One). An invariant over several rows needs a compare-and-set
// on a row that all its writers touch: MySQL runs at READ COMMITTED. Migrations are numbered files per dialect, and
// storetest.SameSchema proves that they make the same tables.
//
// # Why this SQLite driver
//
// Measured on a two-core virtual machine with bench/store: a transfer (idempotency row, transfer, two entries, two
// balances, log row), 64 in a commit, synchronous=FULL, bare drivers:
//
//	                          ncruces 0.35.6    modernc 1.61.1
//	transfers a second         9,200             9,400
//	  beside 4 readers         2,700 + 64,500 r  3,900 + 46,200 r   (unthrottled readers on two cores)
//	8 databases, 24 connections 54 MB resident   72 MB resident
//
// Through this package, with ids, idempotency, the log and its numberer, from 64 goroutines: 7,500 transfers a second, 32
// units a commit, 0.35 MB of file per 1,000 (4,100 on the same machine while others worked on it). Half of the time is SQLite's own work, a third the commit's writing and
// syncing. Speed does not decide between the two drivers; ncruces was chosen for a smaller footprint, for an interface
// that tells autocommit, on which the promises above rest, and for an in-memory file system whose readers never block.
package store
