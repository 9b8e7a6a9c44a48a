#!/usr/bin/env bash
# What must hold on every commit that lands, apart from the tests: fresh generated code, lint, house rules, no secrets.
set -euo pipefail
cd "$(dirname "$0")/.."
step() { local from=$SECONDS; echo "== $1"; shift; "$@"; echo "   $((SECONDS - from)) s"; }

secrets() { .tools/bin/gitleaks dir . --no-banner --redact --config .gitleaks.toml --log-level warn; }
formatted() {
  local bad
  bad=$(git ls-files '*.go' | xargs gofmt -l)
  if [ -n "$bad" ]; then printf 'not formatted:\n%s\n' "$bad" >&2; return 1; fi
}

scripts/tools.sh all
step "generated code is fresh" scripts/generate.sh --check
step "formatted" formatted
step "modules verified" go mod verify
step "lint" .tools/bin/golangci-lint run ./...
step "rules of the house" go test ./arch
step "no secrets" secrets
