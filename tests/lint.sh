#!/usr/bin/env bash
# Static checks. `tests/lint.sh docs` runs only those of the documentation.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '== %s\n' "$1"; }

code() {
  step "ruff"
  ruff check --quiet .
  ruff format --quiet --check .
  step "mypy"
  mypy --no-error-summary -p ansible_collections.meshops.asm.plugins.module_utils
  mypy --no-error-summary -p meshlab
  step "yamllint"
  yamllint --strict .
  step "ansible-lint"
  (cd "$ANSIBLE_COLLECTIONS_PATH/ansible_collections/meshops/asm" && ansible-lint --offline --profile production -q)
}

docs() {
  step "changelog"
  antsibull-changelog lint
  step "documentation"
  (cd "$ANSIBLE_COLLECTIONS_PATH/ansible_collections/meshops/asm" &&
    antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs self .)
}

[ "${1:-all}" = docs ] || code
docs
