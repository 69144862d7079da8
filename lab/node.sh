#!/usr/bin/env bash
# Prints the path of a Node 24, as GitHub's runner has it; fetched from npm once, into the lab's folder.
#   lab/node.sh          for this machine
#   lab/node.sh arm64    a wrapper that runs the arm64 one under emulation (Debian, Ubuntu)
set -euo pipefail

state=${STEVEDORE_LAB_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/stevedore-lab}/node
case $(uname -m) in x86_64) here=x64 ;; aarch64 | arm64) here=arm64 ;; *) here=unknown ;; esac
want=${1:-$here}
[[ $want == x64 || $want == arm64 ]] || { echo "node.sh: no Node for '$want': x64 or arm64" >&2; exit 2; }

# Two callers at once: the second waits and finds the work done.
mkdir -p "$state"
exec 9>"$state/lock"
flock 9

node=$state/24-$want/node_modules/node-linux-$want/bin/node
if [[ ! -x $node ]]; then
  echo "lab: fetching Node 24 for linux $want" >&2
  npm install --silent --no-audit --no-fund --no-save --force --prefix "$state/24-$want" "node-linux-$want@24" >&2
fi
if [[ $want == "$here" ]]; then
  echo "$node"
  exit
fi

# A program of another architecture: its C library, and an emulator that is told where it is.
prefix=$state/root-$want
if [[ ! -e $prefix/ready ]]; then
  echo "lab: fetching the C library for $want and an emulator" >&2
  "$(dirname "$0")/node-arm64-root.sh" "$prefix" >&2
  touch "$prefix/ready"
fi
wrapper=$state/24-$want/node
emulator=$(command -v qemu-aarch64-static || command -v qemu-aarch64 || echo "$prefix/usr/bin/qemu-aarch64-static")
printf '#!/bin/sh\nexec "%s" -L "%s" "%s" "$@"\n' "$emulator" "$prefix" "$node" > "$wrapper.new"
chmod +x "$wrapper.new"
mv "$wrapper.new" "$wrapper"
echo "$wrapper"
