#!/usr/bin/env bash
# Regenerates everything that is generated and committed. Usage: scripts/generate.sh [--check]
# --check works on a copy and fails, naming the files, if the committed ones are stale.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/tools.sh generate

if [ "${1:-}" = --check ]; then
  copy=$(mktemp -d)
  trap 'rm -rf "$copy"' EXIT
  git ls-files -z -- api service third_party scripts buf.yaml buf.gen.yaml buf.gen.openapi.yaml package.json package-lock.json go.mod go.sum |
    xargs -0 -I{} cp --parents {} "$copy" 2>/dev/null || true
  ln -s "$PWD/.tools" "$copy/.tools"
  ln -s "$PWD/node_modules" "$copy/node_modules"
  (cd "$copy" && HENGDAI_GENERATE_INNER=1 scripts/generate.sh >/dev/null)
  stale=$(for dir in api service; do diff -rq "$dir" "$copy/$dir" || true; done | grep -v ': \.' || true)
  if [ -n "$stale" ]; then
    printf 'stale generated code, run make generate:\n%s\n' "$stale" >&2
    exit 1
  fi
  echo "generate: fresh"
  exit 0
fi

npx --no-install buf lint
npx --no-install buf generate
[ -f buf.gen.openapi.yaml ] && npx --no-install buf generate --template buf.gen.openapi.yaml
for config in service/*/sqlc.yaml; do
  [ -f "$config" ] || continue
  .tools/bin/sqlc generate -f "$config"
done
