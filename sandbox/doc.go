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
//	GET  /control/faults     the plan with counts;  POST adds a rule (party.Rule);  DELETE ?party= clears
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
//	kind         PAYOUT, COLLECT, REFUND: money; SMS; VERIFY4; OPEN (a card's first balance), SET (its change)
//	request_no   our number
//	channel_no   the party's number
//	merchant_id  our account at the channel
//	card_no      the card concerned
//	amount_minor the order's sum; for OPEN and SET the signed change of the balance
//	fee_minor    what the channel will charge for it
//	status       SUCCESS or FAILED for money (exactly one row an order), the result of a check, DELIVERED or FAILED of a message
//	code         why it failed; the template of a message; the code of a check
//	at_ms        the sandbox clock, UTC
//	settled_on   its date in Shanghai
//
// So a card's balance is the sum of its OPEN, SET, PAYOUT and REFUND less its COLLECT rows, those that succeeded.
package sandbox
