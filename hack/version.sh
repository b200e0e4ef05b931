#!/bin/sh
# Prints the version of this checkout: the tag it is at, or the distance from
# the last one, or the commit alone; "dev" outside a git checkout.
set -eu
cd "$(dirname "$0")/.."
git describe --tags --always --dirty --match 'v[0-9]*' 2>/dev/null || echo dev
