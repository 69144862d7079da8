# shellcheck shell=bash
# What every part of the lab shares: where its state is, how it speaks, how it
# starts a process and how it finds it again. Sourced, never run; knows no
# component.

# shellcheck disable=SC2034  # the files that source this one use it
LAB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
STATE=${STEVEDORE_LAB_DIR:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/stevedore-lab}

say() { printf 'lab: %-20s … %s\n' "$1" "$2"; }
fail() {
  printf 'lab: %s\n' "$*" >&2
  exit 1
}

# The longest socket below the state folder, containerd's own beside the
# classic engine's, may have 107 bytes: the size of sun_path.
open_state() {
  case $STATE in
    /*) ;;
    *) fail "the state folder '$STATE' is not an absolute path: correct STEVEDORE_LAB_DIR" ;;
  esac
  [[ $STATE =~ ^[A-Za-z0-9/._+-]+$ ]] ||
    fail "the state folder '$STATE' holds a character that the lab cannot pass on: set STEVEDORE_LAB_DIR to a plainer path"
  local room=$((107 - ${#STATE}))
  ((room >= ${#LONGEST_SOCKET})) ||
    fail "the state folder '$STATE' is $((${#LONGEST_SOCKET} - room)) characters too long for a unix socket below it: set STEVEDORE_LAB_DIR to a shorter path"
  mkdir -p "$STATE/bin" "$STATE/log"
  # One at a time: a second `lab/up` waits and then finds all of it running.
  exec 9>"$STATE/lock"
  flock 9
}
LONGEST_SOCKET=/classic/containerd/containerd.sock.ttrpc

# Seconds since `clock` was last called, for the lines that say how long it took.
clock() { CLOCK=${EPOCHREALTIME/[.,]/}; }
took() { awk -v us=$((${EPOCHREALTIME/[.,]/} - CLOCK)) 'BEGIN { printf "%.1f s", us / 1e6 }'; }

# Runs a command with the rights that engine and emulator need.
as_root() {
  if ((EUID == 0)); then "$@"; else sudo -n "$@"; fi
}
may_be_root() { ((EUID == 0)) || sudo -n true 2>/dev/null; }

# The process of a pid file, if it still is the one that the lab started: its
# command line names the state folder. An old number may be anybody's by now.
pid_of() {
  local pid
  pid=$(cat "$1" 2>/dev/null) || return 1
  [[ $pid =~ ^[0-9]+$ ]] && tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF "$STATE/" && echo "$pid"
}

# launch NAME PIDFILE COMMAND...: in a session of its own, without our lock and
# whatever else is open: somebody may wait for the end of a pipe.
# launch_as_root: the same, with the rights of as_root.
launch() {
  local log=$STATE/log/$1.log pidfile=$2
  shift 2
  # shellcheck disable=SC2016  # expanded by the inner shell
  "${LAUNCH_PREFIX[@]}" setsid bash -c '
    echo $$ >"$0"
    for fd in /proc/$$/fd/*; do fd=${fd##*/}; ((fd < 3)) || eval "exec $fd>&-"; done
    exec "$@"' "$pidfile" "$@" </dev/null >"$log" 2>&1 9>&- &
  disown
}
LAUNCH_PREFIX=()
launch_as_root() {
  local LAUNCH_PREFIX=()
  ((EUID == 0)) || LAUNCH_PREFIX=(sudo -n)
  launch "$@"
}

# until_ready NAME PIDFILE SECONDS COMMAND...: waits, and gives up early with
# the end of the log when the process is gone.
until_ready() {
  local name=$1 pidfile=$2 tries=$(($3 * 20)) try
  shift 3
  for ((try = 0; try < tries; try++)); do
    "$@" >/dev/null 2>&1 && return 0
    sleep 0.05
    ((try < 10)) || pid_of "$pidfile" >/dev/null || break
  done
  tail -n 15 "$STATE/log/$name.log" >&2 || true
  fail "$name did not start; its log is $STATE/log/$name.log"
}

# Ended, and only not yet collected by init, is ended.
lives() { [[ $(sed -n 's/^State:\t//p' "/proc/$1/status" 2>/dev/null) == [!ZX]* ]]; }

# halt PIDFILE SECONDS: TERM, then KILL; fails when there was nothing to stop.
halt() {
  local pid try
  pid=$(pid_of "$1") || { rm -f "$1"; return 1; }
  end "$pid" TERM
  for ((try = 0; try < $2 * 20; try++)); do
    lives "$pid" || break
    sleep 0.05
  done
  ! lives "$pid" || end "$pid" KILL
  rm -f "$1"
}
end() { kill "-$2" "$1" 2>/dev/null || as_root kill "-$2" "$1" 2>/dev/null || true; }

# http_status PORT PATH [USER:PASSWORD]: the status of a HEAD request on
# loopback, 000 where nobody answers. Without curl, which a bare machine lacks.
http_status() {
  local fd status=000 login=
  [[ -z ${3:-} ]] || login="Authorization: Basic $(printf %s "$3" | base64 -w0)"$'\r\n'
  if { exec {fd}<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null; then
    printf 'HEAD %s HTTP/1.0\r\nHost: 127.0.0.1:%s\r\nAccept: application/vnd.oci.image.index.v1+json\r\n%s\r\n' \
      "$2" "$1" "$login" >&"$fd"
    read -r -t 5 _ status _ <&"$fd" || true
    exec {fd}>&-
  fi
  echo "${status:-000}"
}

# The machine's architecture and the one it has to emulate, in the names that OCI
# and Debian share; QEMU_ARCH is the name that QEMU has for the latter.
case $(uname -m) in
  x86_64) NATIVE=amd64 OTHER=arm64 QEMU_ARCH=aarch64 ;;
  aarch64 | arm64) NATIVE=arm64 OTHER=amd64 QEMU_ARCH=x86_64 ;;
  *) fail "the lab needs a machine of amd64 or arm64, this one is $(uname -m)" ;;
esac
