#!/usr/bin/env bash
# ansible-test sanity on a copy of the working tree: it wants to lie under ansible_collections and in a git checkout.
set -euo pipefail
cd "$(dirname "$0")/.."

copy=$PWD/.cache/sanity/ansible_collections/meshops/asm
mkdir -p "$copy"
find "$copy" -mindepth 1 -maxdepth 1 ! -name tests -exec rm -rf {} +
find "$copy/tests" -mindepth 1 -maxdepth 1 ! -name output -exec rm -rf {} + 2>/dev/null || true
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
  [ -e "$file" ] && printf '%s\0' "$file"
done | tar --null --files-from=- --create | tar --extract --directory "$copy"

cd "$copy"
git init --quiet .
git add --all

version=$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
# ansible-test fetches get-pip for its virtual environments; ensurepip does the same from the interpreter itself.
cache=$HOME/.ansible/test/cache
mkdir -p "$cache"
pip=$(python -c '
import pathlib, re, ansible_test
source = pathlib.Path(ansible_test.__path__[0], "_internal", "python_requirements.py").read_text()
print(re.search(r"pip=.([0-9.]+).,", source).group(1).replace(".", "_"))')
[ -s "$cache/get_pip_$pip.py" ] ||
  printf 'import ensurepip\n\nensurepip.bootstrap(upgrade=True, default_pip=True)\n' >"$cache/get_pip_$pip.py"

ansible-test sanity --venv --python "$version" --color no "$@"
