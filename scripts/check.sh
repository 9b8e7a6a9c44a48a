#!/usr/bin/env bash
# What must hold on every commit that lands, apart from the tests: fresh generated code, lint, house rules, no secrets.
set -euo pipefail
cd "$(dirname "$0")/.."
step() { local from=$SECONDS; echo "== $1"; shift; "$@"; echo "   $((SECONDS - from)) s"; }

# What would be committed, and nothing that was built or fetched.
sources() { git ls-files --cached --others --exclude-standard -z "$@" | while IFS= read -r -d '' file; do if [ -e "$file" ]; then printf '%s\0' "$file"; fi; done; }

secrets() {
  local copy status=0
  copy=$(mktemp -d)
  sources | tar --null --files-from=- -cf - | tar -xf - -C "$copy"
  .tools/bin/gitleaks dir "$copy" --no-banner --no-color --redact --config .gitleaks.toml --log-level warn --verbose || status=$?
  rm -rf "$copy"
  return "$status"
}

formatted() {
  local bad
  bad=$(sources '*.go' | xargs -0 gofmt -l)
  if [ -n "$bad" ]; then printf 'not formatted:\n%s\n' "$bad" >&2; return 1; fi
}

scripts/tools.sh all
step "generated code is fresh" scripts/generate.sh --check
step "formatted" formatted
step "modules verified" go mod verify
step "lint" .tools/bin/golangci-lint run ./...
step "rules of the house" go test ./arch
step "no secrets" secrets
