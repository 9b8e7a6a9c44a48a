// Package kill tries what becomes of money and words when processes die. A world of one process per service is put under
// load: borrowers come, borrow and repay, a reviewer works, the calendar moves. Meanwhile services are killed (SIGKILL) at
// seeded moments, half of them hunted until a transaction of theirs is open, and started again at once; then notify and
// risk are stopped (SIGSTOP) for half a minute each while repayments are measured from outside.
//
// The load remembers every answer that said yes, with its idempotency key. At the end each is read back and asked again,
// the parties' journal is compared with it, no order may be on its way, and demo/invariant judges the raw books.
package kill
