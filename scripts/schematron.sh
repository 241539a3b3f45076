#!/bin/sh
# Fetches the libraries with which the tests judge invoices (tools/schematron, versions pinned in its lock file), once.
set -eu

# npm writes this file last: a folder without it was left half done.
[ ! -f tools/schematron/node_modules/.package-lock.json ] || exit 0
scripts/need.sh "make test" npm
echo "Fetching the libraries of tools/schematron with npm"
npm ci --prefix tools/schematron --no-audit --no-fund --loglevel=error </dev/null
