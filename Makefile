# Doorzet's targets. Each says what it installs, and needs nothing but Go, make and, on Debian, apt.

.DEFAULT_GOAL := help
.PHONY: help demo build test bench lint shellcheck env clean

help: ## show this
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1	/' | expand -t 22

demo: ## a fake shop, one night, invoices on disk; stays up until Ctrl-C (DEMO_ONCE=1: ends after the night)
	@scripts/need.sh "make demo" postgres redis
	CGO_ENABLED=0 go build -trimpath -o bin/ ./cmd/doorzet
	@exec bin/doorzet demo

build: ## the four programs into bin/
	CGO_ENABLED=0 go build -trimpath -o bin/ ./cmd/api ./cmd/worker ./cmd/scheduler ./cmd/doorzet

# -race needs a C compiler; the servers are private ones that the tests start; no test reads standard input.
test: ## all tests, on a real Postgres and Redis
	@scripts/need.sh "make test" postgres redis xmllint node gcc
	@scripts/schematron.sh
	go vet ./...
	go test -race -shuffle=on -timeout 9m ./... </dev/null

# BENCH names some of them, BENCH_QUICK=1 makes them small, BENCH_WRITE=1 writes docs/performance.md.
bench: ## how fast it is, against floors of the same run (BENCH="night push", BENCH_QUICK=1, BENCH_WRITE=1)
	@scripts/need.sh "make bench" postgres redis
	CGO_ENABLED=0 go build -trimpath -o bin/ ./cmd/worker ./cmd/scheduler ./cmd/doorzet ./cmd/bench
	@bin/bench $(if $(BENCH_QUICK),-quick) $(if $(BENCH_WRITE),-write docs/performance.md) $(BENCH)

lint: ## golangci-lint at the pinned version
	@scripts/lint.sh

shellcheck: ## the scripts
	@scripts/need.sh "make shellcheck" shellcheck
	shellcheck scripts/*.sh .ci/run

env: ## .env for docker compose, with secrets of its own; an existing one is kept
	@scripts/env.sh

clean: ## removes what was built; the demo's data stays in .data/
	rm -rf bin .tools
