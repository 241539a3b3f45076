#!/bin/sh
# Runs golangci-lint at the version that .golangci.yml is written for. It is built from source, at that version, into
# .tools/: nothing that was built elsewhere is downloaded, and the machine's own golangci-lint is not used.
set -eu

version=v2.15.0
tools=$PWD/.tools/golangci-lint-$version

if [ ! -x "$tools/golangci-lint" ]; then
	echo "Building golangci-lint $version into .tools/ (once, some minutes)"
	GOBIN=$tools GOFLAGS=-trimpath CGO_ENABLED=0 go install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$version"
fi
exec "$tools/golangci-lint" run --allow-parallel-runners ./...
