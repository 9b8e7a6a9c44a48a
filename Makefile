# hengdai: `make run` and `make test` are all a newcomer needs; `make help` lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := bin/hengdai
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
ROWS := testdata/credit/south_german_credit.csv

.PHONY: help run build test check lint generate demo demo-full bench kill train clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

build: ## build bin/hengdai
	go build -trimpath -ldflags "-X main.version=$(VERSION)" -o $(BIN) ./cmd/hengdai

run: build ## build all, start everything in one process with the sandbox and a small demo book
	$(BIN) run --demo-book --log data/hengdai.log

test: ## install what is needed, run every suite on SQLite and MariaDB, print the minutes of each
	scripts/test.sh

check: ## generated code fresh, lint, vet, rules of the house, secrets
	scripts/check.sh

lint: ## golangci-lint only
	scripts/tools.sh check
	.tools/bin/golangci-lint run ./...

generate: ## regenerate Go, TypeScript and OpenAPI from api/, typed SQL from service/*/queries
	scripts/generate.sh

demo: build ## two hundred applicants through the whole business, on the sandbox calendar, then the report
	$(BIN) demo --applicants $(ROWS) --limit 200

demo-full: build ## all thousand applicants three times: plain, with faults, with faults across midnight; then what the runs have in common
	$(BIN) demo --applicants $(ROWS) --compare

bench: ## measure, and write docs/benchmarks.md
	scripts/bench.sh

kill: ## kill -9 at 50 seeded moments under load, on SQLite and MariaDB; writes docs/kills.md
	scripts/kill.sh

train: ## train the risk models again from testdata/credit; the files must come out the same
	ml/train.sh

clean: ## remove what was built (never data)
	rm -rf bin
