// Package notify tells people what concerns them, and keeps everybody from being told too much.
//
// It owns the templates (package template), messages and their delivery, the contact guard (package guard) with its
// counters and stops, and the channels (package channel). It calls user, to reveal a mobile for one message. It reads the
// logs of user (one-time codes, identity, cards), loan (applications, payouts, bills, repayments, overdue), collection
// (planned and withdrawn contacts) and payment (refunds). It tells MessageMoved.
//
// It promises:
//   - an event makes its messages once, however often it comes;
//   - a message goes out under its own id as the provider's idempotency key, and after an answer that cannot be believed
//     the provider is asked before anything is sent again;
//   - a one-time code goes out inside its validity or never, and its value is wiped when it is out;
//   - nothing that collects passes outside the hours, counts and stops of the guard, which collection's calls pass too;
//   - an address lives only inside the call that sends; params of messages hold no personal value.
//
// A message in the inbox is delivered by being stored, so moving the sandbox's time forward makes rows, not traffic.
package notify
