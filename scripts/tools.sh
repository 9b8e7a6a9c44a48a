#!/usr/bin/env bash
# Installs the generators and checkers that the Makefile calls, at exact versions, into .tools/bin and node_modules; what is
# there already at its version is left alone. Needs Go; for generate also Node with npm.
# Usage: scripts/tools.sh generate|check|all
set -euo pipefail
cd "$(dirname "$0")/.."
export GOBIN="$PWD/.tools/bin"
mkdir -p "$GOBIN"

# want NAME MODULE@VERSION: builds it unless the stamp says that this version is there.
want() {
  local name=$1 module=$2 stamp="$GOBIN/.$1.version"
  if [ -x "$GOBIN/$name" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$module" ]; then return; fi
  echo "tools: building $name ($module)"
  GOFLAGS=-mod=mod go install "$module"
  printf '%s' "$module" >"$stamp"
}

generate() {
  want protoc-gen-go google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
  want protoc-gen-connect-go connectrpc.com/connect/cmd/protoc-gen-connect-go@v1.21.1
  want protoc-gen-openapiv3 github.com/grpc-ecosystem/grpc-gateway/v2/protoc-gen-openapiv3@v2.32.0
  want sqlc github.com/sqlc-dev/sqlc/cmd/sqlc@v1.31.1
  if [ ! -x node_modules/.bin/buf ] || [ ! -x node_modules/.bin/protoc-gen-es ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    command -v npm >/dev/null || { echo "tools: npm is missing: install Node.js 20 or later" >&2; exit 1; }
    echo "tools: installing buf and protoc-gen-es"
    npm ci --no-audit --no-fund --no-progress --loglevel=error
  fi
}

check() {
  want golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
  want gitleaks github.com/zricethezav/gitleaks/v8@v8.30.1
}

case "${1:-all}" in
generate) generate ;;
check) check ;;
all)
  generate
  check
  ;;
*) echo "usage: scripts/tools.sh generate|check|all" >&2 && exit 2 ;;
esac
