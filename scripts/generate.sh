#!/usr/bin/env bash
# Regenerates everything that is generated and committed: Go, TypeScript and OpenAPI from api/, typed SQL from service/*/queries.
# Usage: scripts/generate.sh [--check]
#
# It generates from the sources alone, in a copy, so a generation that fails changes nothing and what is no longer generated goes away.
# --check changes nothing at all and fails, naming the files, if what is committed differs.
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in
'' | --check) ;;
*) echo "usage: scripts/generate.sh [--check]" >&2 && exit 2 ;;
esac
scripts/tools.sh generate
root=$PWD
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

# generated ROOT: lists the generated files below it.
generated() {
  (
    cd "$1"
    { # a list that is empty is no fault
      grep -rlE --include='*.go' '^// Code generated .* DO NOT EDIT\.$' api service || true
      if [ -d api/ts ]; then find api/ts -type f; fi
      if [ -d api/openapi ]; then find api/openapi -type f -name '*.json'; fi
    } | LC_ALL=C sort
  )
}

tar -cf - api service third_party buf.yaml buf.gen.yaml buf.gen.openapi.yaml package.json | tar -xf - -C "$copy"
generated "$copy" | (cd "$copy" && xargs rm -f)
ln -s "$root/.tools" "$copy/.tools"
ln -s "$root/node_modules" "$copy/node_modules"
(
  cd "$copy"
  buf=node_modules/.bin/buf
  $buf lint
  $buf generate
  $buf generate --template buf.gen.openapi.yaml
  for config in service/*/sqlc.yaml; do
    .tools/bin/sqlc generate -f "$config"
  done
)

stale=()
while IFS= read -r file; do
  cmp -s "$file" "$copy/$file" || stale+=("$file")
done < <({ generated "$root"; generated "$copy"; } | LC_ALL=C sort -u)
if [ ${#stale[@]} -eq 0 ]; then
  echo "generate: fresh"
  exit 0
fi
if [ "${1:-}" = --check ]; then
  printf 'stale generated code; run make generate and commit:\n' >&2
  printf '  %s\n' "${stale[@]}" >&2
  exit 1
fi
for file in "${stale[@]}"; do
  if [ -e "$copy/$file" ]; then
    mkdir -p "$(dirname "$file")"
    cp "$copy/$file" "$file"
    echo "wrote   $file"
  else
    rm "$file"
    echo "removed $file"
  fi
done
