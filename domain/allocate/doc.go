// Package allocate applies money to what is due, in an order that is data.
//
// By instalment (the default): the oldest due row first, and inside it costs of enforcement, fee, penalty, compound
// interest, interest, principal (民法典 Art. 561: costs, then interest, then principal, unless agreed otherwise). By
// component: the first component of every row, oldest first, then the second, and so on. A bad loan may have an order
// of its own after some days past due. The contract in force on the value date decides.
//
// What is applied plus what is left is what came in, always.
package allocate
