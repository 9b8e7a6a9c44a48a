// Package channel is what the sandbox's payment channels have in common: orders that are deduplicated, judged by the
// population alone, finished at once or later, journalled, and called back. The wire formats are in its folders alpha
// and beta.
//
// Money is moved in the transaction that makes an order final, between the card and the merchant's account: a payout's
// sum leaves the merchant when the order is accepted and comes back if it fails. A card never goes below zero, however
// many orders race for it. A final state never changes.
package channel
