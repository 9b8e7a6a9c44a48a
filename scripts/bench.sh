#!/usr/bin/env bash
# Measures and writes docs/benchmarks.md. Let nothing else run on the machine meanwhile; it takes about ten minutes.
# Usage: scripts/bench.sh [--brief] [FILE]
# --brief does everything once and shortly, to see that it works; such a page says that its figures mean nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
brief=
if [ "${1:-}" = --brief ]; then brief=yes && shift; fi
page=${1:-docs/benchmarks.md}
work=$(mktemp -d)
folder="$PWD/.cache/mariadb-bench"
cleanup() {
  scripts/mariadb.sh down "$folder" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT

times() { if [ -n "$brief" ]; then echo "$1"; else echo "$2"; fi; }

# measure NAME PACKAGE BENCHTIME [FLAGS...]: its lines go into NAME.txt, its command into NAME.cmd.
measure() {
  local name=$1 package=$2 time=$3
  shift 3
  echo "== $name" >&2
  printf 'go test %s -run none -bench . -benchtime %s' "$package" "$time" >"$work/$name.cmd"
  if ! go test "$package" -run none -bench . -benchtime "$time" -timeout 60m "$@" >"$work/$name.txt" 2>&1; then
    tail -30 "$work/$name.txt" >&2
    echo "bench.sh: $name failed" >&2
    exit 1
  fi
  grep -E '^Benchmark|SKIP' "$work/$name.txt" >&2 || true
}

# metric NAME BENCHMARK UNIT: the figure of a benchmark; "-" if it was not taken.
metric() {
  awk -v bench="$2" -v unit="$3" '
    $1 ~ "^" bench "(-[0-9]+)?$" { for (i = 3; i < NF; i += 2) if ($(i + 1) == unit) found = $i }
    END { print found == "" ? "-" : found }' "$work/$1.txt"
}

# row WHAT FIGURE UNIT LIMIT least|most: one line of the table, with the ratio to the limit.
row() {
  awk -v what="$1" -v figure="$2" -v unit="$3" -v bound="$4" -v kind="${5:-}" 'BEGIN {
    ratio = (figure == "-" || bound == "") ? "" : sprintf("%.2f", kind == "least" ? figure / bound : bound / figure)
    if (figure != "-") shown = (figure >= 100) ? sprintf("%.0f", figure) : sprintf("%.3g", figure); else shown = "not taken"
    limit = bound == "" ? "" : (kind == "least" ? "at least " : "at most ") bound
    printf "| %s | %s %s | %s | %s |\n", what, shown, figure == "-" ? "" : unit, limit, ratio }'
}

# against WHAT FIGURE PEER PEERFIGURE UNIT more|less: one line of the table of peers.
against() {
  awk -v what="$1" -v figure="$2" -v peer="$3" -v other="$4" -v unit="$5" -v better="$6" 'BEGIN {
    ratio = (figure == "-" || other == "-") ? "" : sprintf("%.2f", better == "more" ? figure / other : other / figure)
    printf "| %s | %.0f %s | %s | %.0f %s | %s |\n", what, figure, unit, peer, other, unit, ratio }'
}

# shares PROFILE BINARY: processor time by what it was spent in.
shares() {
  go tool pprof -top -nodecount=100000 -nodefraction=0 -unit=ms "$2" "$1" 2>/dev/null | awk '
    /flat%/ { table = 1; next }
    table {
      name = $6
      if (name ~ /go-sqlite3/) group = "SQLite"
      else if (name ~ /syscall/) group = "system calls: write and sync"
      else if (name ~ /^(runtime|internal\/runtime|gc|sync|internal\/sync)/) group = "Go runtime: memory, scheduling, locks"
      else if (name ~ /^database\/sql/) group = "database/sql"
      else if (name ~ /protobuf|proto/) group = "protobuf"
      else if (name ~ /crypto|tink/) group = "cryptography: TLS, signatures, vault"
      else if (name ~ /hengdai\/hengdai/) group = "hengdai"
      else group = "the rest of the standard library"
      sum[group] += $1; all += $1
    }
    END { for (group in sum) printf "%5.1f %%  %s\n", 100 * sum[group] / all, group }' | sort -rn
}

make --no-print-directory build
if scripts/mariadb.sh up "$folder"; then
  HENGDAI_TEST_MYSQL_DSN=$(scripts/mariadb.sh dsn "$folder")
  export HENGDAI_TEST_MYSQL_DSN
else
  echo "!! SKIPPED: MariaDB, no server could be installed or started" >&2
fi

measure transfer ./bench/transfer "$(times 300x 50000x)"
profile=$work/cpu.prof
echo "== where the time goes" >&2
go test ./bench/transfer -run none -bench SQLite -benchtime "$(times 300x 50000x)" -cpuprofile "$profile" -o "$work/transfer.test" >/dev/null
measure store ./bench/store "$(times 20x 5s)"
measure start ./bench/start "$(times 1x 5x)"
measure rpc ./kit/rpc "$(times 20x 1s)"
measure gateway ./service/gateway "$(times 20x 1s)"
measure policy ./service/risk/policy "$(times 20x 1s)"
measure dayend ./service/loan "$(times 1x 20x)"
HENGDAI_TEST_LIMIT=$(times 2 200) measure demo ./bench/demo 1x
journeys=$work/journeys.prof
HENGDAI_TEST_JOURNEYS=$(times 20 1000) HENGDAI_TEST_PROFILE=$journeys measure journey ./bench/journey 1x

memory=$(awk '/MemTotal/ { printf "%.0f GB", $2 / 1e6 }' /proc/meminfo 2>/dev/null || echo "memory unknown")
processor=$(awk -F': ' '/model name/ { print $2; exit }' /proc/cpuinfo 2>/dev/null || uname -m)
dirty=
git diff --quiet HEAD -- 2>/dev/null || dirty=" with changes"
{
  cat <<'EOF'
# Benchmarks

Written by `make bench` (`scripts/bench.sh`); never run as tests. A ratio above 1 is better than the limit.

EOF
  if [ -n "$brief" ]; then
    printf '**A brief run, made only to see that the benchmarks work: its figures mean nothing.**\n\n'
  fi
  echo "Machine: $(nproc) cores of $processor, $memory, $(uname -s) $(uname -r | cut -d- -f1), $(go version | cut -d' ' -f3). Commit $(git rev-parse --short HEAD 2>/dev/null || echo unknown)$dirty. Date: $(date -u +%F)."
  echo
  echo "## Against the limits"
  echo
  echo "| what | figure | limit | ratio |"
  echo "|---|---|---|---|"
  row "transfers through payment's journal, 64 callers, SQLite, \`synchronous=FULL\`, each answered after the disk has synced" "$(metric transfer BenchmarkTransfersOnSQLite transfers/s)" "a second" 3000 least
  row "  of these in one commit" "$(metric transfer BenchmarkTransfersOnSQLite transfers/commit)" "" ""
  row "  median wait of a caller" "$(metric transfer BenchmarkTransfersOnSQLite ms-median)" ms ""
  row "  99 of 100 wait less than" "$(metric transfer BenchmarkTransfersOnSQLite ms-99%)" ms ""
  row "  a reader of the log is behind by" "$(metric transfer BenchmarkTransfersOnSQLite ms-reader-behind)" ms ""
  row "  file per 1,000" "$(metric transfer BenchmarkTransfersOnSQLite MB/1000)" MB ""
  row "the same on MariaDB" "$(metric transfer BenchmarkTransfersOnMariaDB transfers/s)" "a second" ""
  row "from exec to \`/readyz\` 200, everything in one process, new data folder" "$(metric start BenchmarkStart/new ms-until-ready)" ms 1000 most
  row "  again, on a known data folder" "$(metric start BenchmarkStart/again ms-until-ready)" ms 1000 most
  row "  resident after the start on a known folder" "$(metric start BenchmarkStart/again MB-resident)" MB ""
  row "resident after the demo of $(times 2 200), in one process with the applicants' phones" "$(metric demo BenchmarkDemo MB-resident)" MB 250 most
  row "  at its peak until then" "$(metric demo BenchmarkDemo MB-peak)" MB ""
  row "the demo of $(times 2 200): applicants and calendar" "$(metric demo BenchmarkDemo s-business)" s ""
  row "  a day of the calendar, day-end included" "$(metric demo BenchmarkDemo ms/day)" ms ""
  row "  the check of the books" "$(metric demo BenchmarkDemo s-check)" s ""
  row "journeys from quote to money, $(times 20 1000) borrowers, 32 at once, on SQLite, generator on the same machine" "$(metric journey BenchmarkJourneysOnSQLite journeys/s)" "a second" 100 least
  row "  processor time of one, of program and parties" "$(metric journey BenchmarkJourneysOnSQLite ms-processor/journey)" ms ""
  row "the same on MariaDB" "$(metric journey BenchmarkJourneysOnMariaDB journeys/s)" "a second" ""
  row "  processor time of one, without the server's" "$(metric journey BenchmarkJourneysOnMariaDB ms-processor/journey)" ms ""
  echo
  echo "A transfer is one call of Post: idempotent by id, refused with another body, both balances checked, found by either account, seen by readers of the log."
  echo
  echo "## Against peers"
  echo
  echo "| what | figure | peer | its figure | ratio |"
  echo "|---|---|---|---|---|"
  against "a transfer's rows through \`kit/store\`, with ids, idempotency, log and numberer, transfers a second" "$(metric store BenchmarkTransfers/sqlite transfers/s)" \
    "the same rows by the bare driver, 64 in a commit, nothing else" "$(metric store BenchmarkDriver/ncruces/readers=0 transfers/s)" "" more
  against "the driver in use, no readers" "$(metric store BenchmarkDriver/ncruces/readers=0 transfers/s)" "modernc.org/sqlite" "$(metric store BenchmarkDriver/modernc/readers=0 transfers/s)" "" more
  against "the same through payment's journal on SQLite" "$(metric transfer BenchmarkTransfersOnSQLite transfers/s)" "on MariaDB, same code" "$(metric transfer BenchmarkTransfersOnMariaDB transfers/s)" "" more
  against "a call between services in one process" "$(metric rpc BenchmarkCall/local ns/op)" "over loopback" "$(metric rpc BenchmarkCall/remote ns/op)" ns less
  echo
  echo "## The calls of a journey"
  echo
  echo "| call | SQLite, median | 99 of 100 within | MariaDB, median | 99 of 100 within |"
  echo "|---|---|---|---|---|"
  for call in quote apply until-decided disclose confirm sign until-repaying; do
    printf '| %s | %s ms | %s ms | %s ms | %s ms |\n' "${call//-/ }" \
      "$(metric journey BenchmarkJourneysOnSQLite "ms-$call-median")" "$(metric journey BenchmarkJourneysOnSQLite "ms-$call-99%")" \
      "$(metric journey BenchmarkJourneysOnMariaDB "ms-$call-median")" "$(metric journey BenchmarkJourneysOnMariaDB "ms-$call-99%")"
  done
  for name in transfer store start demo journey dayend rpc gateway policy; do
    printf '\n## %s\n\n```\n%s\n%s\n```\n' "$name" "$(cat "$work/$name.cmd")" "$(grep -E '^Benchmark' "$work/$name.txt" | sed -E 's/[[:space:]]+/ /g' | sed -E 's/ ([0-9])/  \1/g')"
  done
  printf '\n## Where the time of a transfer goes\n\nProcessor time; waiting for the disk is not in it.\n\n```\n'
  shares "$profile" "$work/transfer.test"
  printf '```\n\nThe dearest functions (`go tool pprof -top`):\n\n```\n'
  go tool pprof -top -nodecount=12 "$work/transfer.test" "$profile" 2>/dev/null | sed -E 's#github.com/(hengdai/hengdai|ncruces)/##; /^File:|^Build ID|^Time:|^Type:|^Showing/d'
  printf '```\n'
  if [ -s "$journeys" ]; then
    printf '\n## Where the time of a journey goes\n\nProcessor time of the program with its parties, of the first seconds on SQLite.\n\n```\n'
    shares "$journeys" bin/hengdai
    printf '```\n'
  fi
} >"$work/page.md"
cp "$work/page.md" "$page"
echo "wrote $page" >&2
