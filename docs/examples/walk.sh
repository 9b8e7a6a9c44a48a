#!/usr/bin/env bash
# The walk of README.md in one piece: one person from an SMS code to a paid-out loan, by the public REST API of a running
# `make run`. Needs curl and jq.
set -euo pipefail

# 0. Where things are
API=http://localhost:8080/v1
SANDBOX=http://127.0.0.1:8090
call() { curl -sS -H "Content-Type: application/json" -H "Accept-Language: en" -H "Authorization: ${TOKEN:+Bearer $TOKEN}" "$@"; }

# 1. A test person with a bank card. The page http://127.0.0.1:8090/people does the same.
PERSON=$(curl -sS -d '{"make": 1, "balance_minor": 500000}' "$SANDBOX/control/people" | jq '.people[0]')
MOBILE=$(jq -r .mobile <<<"$PERSON")
echo "$PERSON"

# 2. Ask for a code, read it from the sandbox's phone, and log in
call -d '{"mobile": "'$MOBILE'", "purpose": "login", "idempotency_key": "code-'$MOBILE'"}' "$API/codes" | jq -c .
sleep 2
CODE=$(curl -sS "$SANDBOX/control/sms?mobile=$MOBILE" | jq -r '.messages[0].text' | grep -oE '[0-9]{6}')
consent() { call "$API/documents" | jq -c --arg purpose "$1" '.documents[] | select(.purpose == $purpose) | {document, version, hash}'; }
TOKEN=$(call -d '{"mobile": "'$MOBILE'", "code": "'$CODE'", "device_id": "phone-'$MOBILE'", "consent": '"$(consent privacy)"'}' "$API/sessions" | jq -r .sessionToken)

# 3. Consent to the identity check, the card and the credit query; then the four elements
for PURPOSE in identity card credit_query; do
  call -d '{"consent": '"$(consent $PURPOSE)"', "channel": "web"}' "$API/consents" | jq -c '{document, version, givenMs}'
done
CARD=$(call -d "$(jq -c '{name, id_no, card_no: .cards[0].card_no, bank_mobile: .cards[0].mobile, idempotency_key: "card-1-of-walk"}' <<<"$PERSON")" "$API/cards")
jq -c '{state, bank, last4}' <<<"$CARD"

# 4. What would 10,000.00 over twelve months cost? Then apply
call -d '{"product": "consumer-cash", "amount_minor": "1000000", "term_months": 12, "method": "equal_instalment"}' "$API/quotes" | jq -c '.rows[0], .cost'
APPLICATION=$(call -d '{
    "product": "consumer-cash", "amount_minor": "1000000", "term_months": 12, "method": "equal_instalment", "purpose": "furniture",
    "card_id": "'"$(jq -r .cardId <<<"$CARD")"'", "idempotency_key": "apply-of-walk", "device": {},
    "stated": {"status_account": "over_200", "credit_history": "repaid_here", "savings": "over_1000", "employment_duration": "over_7y",
      "installment_rate": 4, "other_debtors": "none", "present_residence": 4, "property": "real_estate", "other_installment_plans": "none",
      "housing": "own", "number_credits": 1, "job": "skilled", "people_liable": 2, "telephone": "yes"}
  }' "$API/applications" | jq -r .applicationId)
call "$API/applications/$APPLICATION?wait_ms=3000" | jq -c '{state, grade, ratePpm, approvedMinor, nextEn}'

# 5. Read the table of costs (ten seconds at least, by law), confirm it, sign
SHOWN=$(call "$API/server" | jq -r .nowMs)
DISCLOSURE=$(call "$API/applications/$APPLICATION/disclosure")
jq -c '{principalMinor, ratePpm, minReadSeconds, cost}' <<<"$DISCLOSURE"
sleep 10
CONTRACT=$(call -d "$(jq -c '{hash, shown_at_ms: '$SHOWN', read_seconds: .minReadSeconds, idempotency_key: "confirm-of-walk"}' <<<"$DISCLOSURE")" \
  "$API/applications/$APPLICATION/disclosure/confirmation")
LOAN=$(call -d "$(jq -c '{hash, idempotency_key: "sign-of-walk"}' <<<"$CONTRACT")" "$API/applications/$APPLICATION/signature" | jq -r .loanId)

# 6. The money leaves; the plan starts on the day it arrived
sleep 3
call "$API/loans/$LOAN" | jq -c .
call "$API/loans/$LOAN/schedule" | jq -c '.rows[0], .rows[11]'
