// Package alpha is the sandbox's first payment channel: JSON under Ed25519-signed headers, POST /v1/pay, /v1/query and /v1/statement.
//
// Most orders are final in the answer; a share is answered PROCESSING and finished later. Every final state is called
// back until the callback is taken. A request number is one order: with the same content it gets the order as it stands,
// with other content code REQUEST_NO_REUSED.
//
// A statement is CSV in UTF-8 with CRLF, in the answer as base64 with its SHA-256:
//
//	settled_on,finished_at,kind,request_no,channel_no,amount_minor,fee_minor,status,original_channel_no
//	2026-03-01,2026-03-01T10:00:01+08:00,PAYOUT,7301,A20260301000000000000123,100000,100,SUCCESS,
//	TOTAL,<count>,<in>,<out>,<fees>,<opening>,<closing>
//
// kind is PAYOUT, COLLECT, REFUND, RETURN or CHARGEBACK; COLLECT and RETURN bring money. The day ends at midnight.
package alpha
