#!/bin/sh
# The production readiness assessment, with its evidence; ends with 1 where a check is short.
# Arguments are handed on: `scripts/run-production-readiness-validation.sh --quick`.
set -eu
cd "$(dirname "$0")/.."
kubernaut=.venv/bin/kubernaut
[ -x "$kubernaut" ] || kubernaut=kubernaut
folder="readiness/$(date -u +%Y-%m-%dT%H%MZ)"
mkdir -p "$folder"
exec "$kubernaut" readiness --evidence "$folder" --html "$folder/report.html" --markdown "$folder/report.md" "$@"
