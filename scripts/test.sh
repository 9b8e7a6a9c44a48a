#!/usr/bin/env bash
# The test command. Installs what it needs, starts a private MariaDB, runs every suite, says loudly what it skipped and
# how many minutes each suite took. With CI=true a skipped suite is a failure.
set -uo pipefail
cd "$(dirname "$0")/.."
failed=() skipped=() minutes=()

suite() { # NAME COMMAND...
  local name=$1 from=$SECONDS
  shift
  echo "== $name"
  if ! "$@"; then failed+=("$name"); fi
  minutes+=("$(awk -v s=$((SECONDS - from)) -v name="$name" 'BEGIN { printf "%6.1f min  %s", s / 60, name }')")
}

folder="$PWD/.cache/mariadb-test"
if scripts/mariadb.sh up "$folder"; then
  HENGDAI_TEST_MYSQL_DSN=$(scripts/mariadb.sh dsn "$folder")
  export HENGDAI_TEST_MYSQL_DSN
  trap 'scripts/mariadb.sh down "$folder" >/dev/null 2>&1' EXIT
else
  skipped+=("everything on MariaDB: no server could be installed or started")
fi

suite "unit (SQLite and MariaDB)" go test -timeout 15m ./api/... ./arch/... ./docs/... ./domain/... ./kit/... ./service/... ./sandbox/... ./node/... ./demo/... ./cmd/...
suite "acceptance (one process and many, SQLite and MariaDB)" go test -timeout 15m ./acceptance/...

suite "kills (a short campaign; make kill runs the long one)" go test -timeout 10m ./sim/...

printf '\n== minutes\n'
printf '%s\n' "${minutes[@]}"
if [ ${#skipped[@]} -gt 0 ]; then
  printf '\n!! SKIPPED: %s\n' "${skipped[@]}"
  [ "${CI:-}" = true ] && failed+=("skipped suites, and CI=true")
fi
if [ ${#failed[@]} -gt 0 ]; then
  printf '\n!! FAILED: %s\n' "${failed[@]}"
  exit 1
fi
echo "all suites passed"
