// Package sandbox is the outside world: an identity bureau, an SMS provider and two payment channels, as real HTTP
// servers under one listener, each with its own path (/bureau, /sms, /alpha, /beta), keys and manners. It stands where
// contracts with third parties would stand, and is used by a person trying the product, by the demo and by tests alike.
//
// Answers follow from what is asked and from the population (package people), never from an expected result. Faults are
// off until the control surface asks for them. Everything a party did is in its journal before its answer leaves; the
// sandbox keeps it in its own SQLite file, so that a restart or a kill loses nothing that was answered.
//
// # Control surface
//
// On loopback only, without signatures, JSON:
//
//	GET  /control/journal?party=&after=0&limit=1000   what was really done (below)
//	GET  /control/accounts?after=&limit=1000          every card with its balance
//	POST /control/accounts   {card_no, balance_minor | add_minor | closed}
//	GET  /control/people?limit=50                     the newest persons
//	POST /control/people     {"people": [...]} states persons, {"make": n, "seed": s, "balance_minor": b} makes them
//	GET  /control/sms?mobile=&after=0&limit=50        messages sent, newest first
//	GET  /control/faults     {"rules", "kinds": {kind: {"hits", "numbers"}}, "orders": distinct orders that met one};
//	                         POST adds a rule (party.Rule);  DELETE ?party= clears
//	POST /control/plan       {"name": "none" | "same_day" | "across_midnight", "seed", "rate_ppm", "statements"} replaces the
//	                         faults of both channels at once
//	POST /control/return     {party, merchant_id, request_no | channel_no}: money out comes back; /control/chargeback: a
//	                         collection is taken back; /control/receipt {party, merchant_id, card_no, amount_minor}: money
//	                         arrives that nobody ordered
//	GET  /control/statements?party=&limit=100         files that were made, without content
//	POST /control/reissue    {party, merchant_id, day, lines}: a right version of a file; lines: of its lines, too
//	GET  /control/breaks?party=&after=0&limit=1000    what statements say otherwise than it was (channel.Break)
//	GET  /control/merchants  our balances at the channels
//	POST /control/latency    {party, min_ms, max_ms}
//	POST /control/advance    {offset_ms}              the sandbox clock is at least so far ahead of real time
//	GET  /control/idle?within_ms=2000                 {"idle", "processing", "callbacks", "later"}
//
// # Journal
//
// GET /control/journal answers {"rows": [...], "next": n, "more": bool}; ask again with after=next. Rows are dense in seq
// and never change:
//
//	seq          1, 2, 3 ... over all parties
//	party        alpha, beta, sms, bureau, or control for what the control surface did to a card
//	kind         PAYOUT, COLLECT, REFUND, RETURN, CHARGEBACK: money; SMS; VERIFY4; OPEN (a card's first balance), SET (its
//	             change)
//	request_no   our number
//	channel_no   the party's number
//	merchant_id  our account at the channel
//	card_no      the card concerned
//	amount_minor the order's sum; for OPEN and SET the signed change of the balance
//	fee_minor    what the channel will charge for it
//	status       SUCCESS or FAILED for money (one row an order, one more if it is undone), the result of a check, DELIVERED or FAILED of a message
//	code         why it failed; the template of a message; the code of a check
//	at_ms        the sandbox clock, UTC
//	settled_on   its settlement date: the date in Shanghai; at beta from 23:00 on the next one
//	original_no  the channel number of the order that a RETURN or CHARGEBACK undoes
//
// So a card's balance is the sum of its OPEN, SET, PAYOUT, REFUND and CHARGEBACK less its COLLECT and RETURN rows, those
// that succeeded. A COLLECT without a request number is money that nobody ordered; it need not come from a card.
//
// # Statements
//
// Each channel gives out a file a settlement day, from 9:00 in Shanghai of the next day: its wire form is documented in
// packages alpha and beta. It is made from the journal when it is first asked for and never changes; another version is
// another file. All files together are the journal, and each begins with the balance at which the one before it ended,
// unless a fault says otherwise; then /control/breaks says so.
package sandbox
