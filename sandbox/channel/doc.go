// Package channel is what the sandbox's payment channels have in common: orders that are deduplicated, judged by the
// population alone, finished at once or later, journalled, called back, and told again in a daily statement. The wire
// formats are in its folders alpha and beta.
//
// Money is moved in the transaction that makes an order final, between the card and the merchant's account: a payout's
// sum and fee leave the merchant when the order is accepted and come back if it fails. A card never goes below zero,
// however many orders race for it. A failure is final; a success may be undone once, by a return or a charge-back.
//
// A statement is made from the journal when the settlement day is over, in one transaction with the faults that its lines
// and its file meet, and stored: a version that was given out never changes. Each day opens with the balance at which the
// day before it closed.
package channel
