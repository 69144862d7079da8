#!/usr/bin/env bash
# Prints the path of a Node 24, as GitHub's runner has it; fetched from npm once, into the lab's folder.
#   lab/node.sh            for this machine
#   lab/node.sh arm64      on an amd64 Debian: the arm64 one, as a script that runs it under emulation
#   lab/node.sh busybox    on an amd64 Debian: a static arm64 busybox
set -euo pipefail

state=${STEVEDORE_LAB_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/stevedore-lab}/node
root=$state/root-arm64

# Two callers at once: the second waits and finds the work done.
mkdir -p "$state"
exec 9>"$state/lock"
flock 9

# Fetches the Node of an architecture, x64 or arm64, unless it is there.
fetch_node() {
  node=$state/24-$1/node_modules/node-linux-$1/bin/node
  [[ ! -x $node ]] || return 0
  echo "lab: fetching Node 24 for $1" >&2
  # Forced: npm refuses a package of another architecture.
  npm install --silent --no-audit --no-fund --no-save --force --prefix "$state/24-$1" "node-linux-$1@24" >&2
}

# Unpacks what an arm64 program needs, and an emulator, without installing anything.
fetch_root() {
  [[ ! -e $root/ready ]] || return 0
  echo "lab: fetching arm64 libraries and an emulator" >&2
  local work
  work=$(mktemp -d "$state/apt-XXXXXX")
  mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$root"
  local arm64=(-qq -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User="$(id -un)"
    -o APT::Architecture=arm64 -o APT::Architectures=arm64)
  (
    cd "$work"
    apt-get "${arm64[@]}" update
    apt-get "${arm64[@]}" download libc6 libstdc++6 libgcc-s1 busybox-static
    apt-get -qq -o APT::Sandbox::User="$(id -un)" download qemu-user-static
    for package in ./*.deb; do dpkg -x "$package" "$root"; done
  ) >&2
  rm -rf "$work"
  touch "$root/ready"
}

case $(uname -m) in x86_64) here=x64 ;; aarch64 | arm64) here=arm64 ;; *) here= ;; esac
case ${1:-$here} in
  "$here")
    fetch_node "$here"
    echo "$node"
    ;;
  arm64)
    fetch_root
    fetch_node arm64
    printf '#!/bin/sh\nexec "%s" -L "%s" "%s" "$@"\n' "$root/usr/bin/qemu-aarch64-static" "$root" "$node" > "$state/node-arm64.new"
    chmod +x "$state/node-arm64.new"
    mv "$state/node-arm64.new" "$state/node-arm64"
    echo "$state/node-arm64"
    ;;
  busybox)
    fetch_root
    echo "$root/bin/busybox"
    ;;
  *)
    echo "node.sh: there is no Node for this machine ($(uname -m)), or for '${1:-}'" >&2
    exit 2
    ;;
esac
