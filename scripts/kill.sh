#!/usr/bin/env bash
# The long kill campaign (sim/kill): 50 seeded kills under load and two services stopped for 30 s, first on SQLite, then
# on MariaDB. Writes docs/kills.md if everything that was promised held.
#
#   HENGDAI_KILL_SEED      the seed, 1 if not set
#   HENGDAI_KILL_MOMENTS   how many kills, 50 if not set (40 at least: five a service)
#   HENGDAI_KILL_ENGINES   "sqlite mysql" if not set
#   HENGDAI_KILL_REPORT    the page to write
#   HENGDAI_KILL_PROGRAM   a built binary to try in place of the tree
set -euo pipefail
cd "$(dirname "$0")/.."

folder="$PWD/.cache/mariadb-kill"
scripts/mariadb.sh up "$folder"
trap 'scripts/mariadb.sh drop "$folder" >/dev/null 2>&1' EXIT
HENGDAI_TEST_MYSQL_DSN=$(scripts/mariadb.sh dsn "$folder")
export HENGDAI_TEST_MYSQL_DSN

cpu=$(awk -F': ' '/model name/ { print $2; exit }' /proc/cpuinfo)
export HENGDAI_KILL_MACHINE="${HENGDAI_KILL_MACHINE:-$(nproc) cores (${cpu:-unknown}), $(awk '/MemTotal/ { printf "%.0f GB", $2 / 1048576 }' /proc/meminfo), Linux $(uname -r), load $(cut -d' ' -f1 /proc/loadavg) before the run}"
export HENGDAI_KILL_REPORT="${HENGDAI_KILL_REPORT:-$PWD/docs/kills.md}"
export HENGDAI_KILL_SEED="${HENGDAI_KILL_SEED:-1}" HENGDAI_KILL_MOMENTS="${HENGDAI_KILL_MOMENTS:-50}"

go test ./sim/kill -run '^TestCampaign$' -v -count=1 -timeout 60m
