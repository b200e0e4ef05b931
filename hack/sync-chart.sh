#!/bin/sh
# Copies what is generated from the code into the chart: the definitions of our
# kinds, and the rules of the operator's ClusterRole.
set -eu
cd "$(dirname "$0")/.."
files=charts/rempart/files
rm -rf "$files/crds"
mkdir -p "$files/crds"
cp config/crd/bases/*.yaml "$files/crds/"
cp config/rbac/role.yaml "$files/role.yaml"
