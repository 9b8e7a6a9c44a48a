#!/usr/bin/env bash
# Starts one process per service from one configuration, waits until all are ready, stops them all on Ctrl-C.
# Usage: docs/examples/many.sh [CONFIG]     (docs/examples/many.yaml unless given; bin/hengdai must be built)
set -euo pipefail
cd "$(dirname "$0")/../.."
config=${1:-docs/examples/many.yaml}
hengdai=${HENGDAI:-bin/hengdai}
logs=${LOGS:-data-many-logs}
mkdir -p "$logs"
pids=()
stop() {
  trap - EXIT
  kill "${pids[@]}" 2>/dev/null || true
  wait
}
trap stop EXIT
trap 'exit 0' INT TERM

port=9101
for service in user risk payment loan notify collection report gateway; do
  parties=
  if [ $service = gateway ]; then parties=127.0.0.1:8090; fi
  HENGDAI_LISTEN_OPS=127.0.0.1:$port HENGDAI_LISTEN_SANDBOX=$parties \
    "$hengdai" run --config "$config" --services $service --log "$logs/$service.log" >"$logs/$service.out" 2>&1 &
  pids+=($!)
  port=$((port + 1))
done
for port in $(seq 9101 9108); do
  for _ in $(seq 300); do
    curl -fsS "http://127.0.0.1:$port/readyz" >/dev/null 2>&1 && continue 2
    sleep 0.1
  done
  echo "the process with ops port $port is not ready after 30 s; its words are in $logs" >&2
  exit 1
done
echo "eight processes are ready: http://localhost:8080, the parties at http://127.0.0.1:8090, ops at 127.0.0.1:9101 to 9108, logs in $logs"
wait
