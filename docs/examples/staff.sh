# Source this file in bash to call the Staff API of a running sandbox: it signs a member of the sandbox's staff in.
#
#   source docs/examples/staff.sh
#   staff_login operator
#   staff GET  business-date
#   staff_travel 31
#
# The log-ins are in <data folder>/demo-staff.json. Needs curl, jq, openssl and base32 (coreutils); a person uses an authenticator app instead of totp.

API=${API:-http://localhost:8080/v1}
DATA=${DATA:-./data}

# totp SECRET: the six digits of this half minute (RFC 6238).
totp() {
  local key counter mac offset
  key=$(printf %s "$1" | base32 -d | od -An -v -tx1 | tr -d ' \n')
  counter=$(printf '%016x' $(($(date +%s) / 30)) | sed 's/../\\x&/g')
  mac=$(printf '%b' "$counter" | openssl dgst -sha1 -mac HMAC -macopt "hexkey:$key" -binary | od -An -v -tx1 | tr -d ' \n')
  offset=$((16#${mac:39:1} * 2))
  printf '%06d\n' $(((16#${mac:$offset:8} & 0x7fffffff) % 1000000))
}

# staff_login ROLE: a code is taken once, so the same person can sign in once in half a minute.
staff_login() {
  local who
  who=$(jq -c --arg login "$1@demo.hengdai.test" '.[] | select(.login == $login)' "$DATA/demo-staff.json")
  STAFF=$(jq -c --arg totp "$(totp "$(jq -r .totp_secret <<<"$who")")" '{login, password, totp: $totp}' <<<"$who" |
    curl -sS -H 'Content-Type: application/json' -d @- "$API/staff/sessions" | jq -r .sessionToken)
}

# staff METHOD PATH [BODY]
staff() {
  curl -sS -X "$1" -H 'Content-Type: application/json' -H 'Accept-Language: en' -H "Authorization: Bearer $STAFF" ${3:+-d "$3"} "$API/staff/$2" | jq .
}

# staff_travel DAYS: moves the sandbox's calendar (role operator or admin) and lets the work of each day end.
staff_travel() {
  local to answer
  to=$(staff GET travel | jq -r --argjson days "$1" '.today | strptime("%Y-%m-%d") | mktime + 86400 * $days | strftime("%Y-%m-%d")')
  while answer=$(staff POST travel '{"toDate": "'"$to"'"}') && jq -c '{today, arrived, busy, message}' <<<"$answer" && [ "$(jq .arrived <<<"$answer")" = false ]; do :; done
}
