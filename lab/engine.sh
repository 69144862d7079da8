# shellcheck shell=bash
# Docker Engine. A running one with the containerd image store is used as it
# is; otherwise the lab starts one of its own. That one has its own socket,
# data, containerd and bridge, sets no firewall rule and shares nothing with an
# engine of the machine's: containers reach this machine, and are reached on
# published ports, but have no way out to other networks.

# docker-init in docker.io is a link to the program of tini-static.
ENGINE_PACKAGES=(docker.io containerd runc tini-static)

# answers HOST FORMAT: one engine's answer, within the seconds a local one needs.
ask_engine() { DOCKER_HOST=$1 timeout 10 docker info --format "$2" 2>/dev/null; }
has_containerd_store() { ask_engine "$1" '{{.DriverStatus}}' | grep -q io.containerd.snapshotter; }

own_socket() { echo "unix://$STATE/$1/docker.sock"; }

# The engine that the user's docker would talk to, if any, and not one of ours.
found_host() {
  local host=${DOCKER_HOST:-}
  [[ $host != "unix://$STATE/"* ]] || host=
  [[ -n $host ]] || host=$(env -u DOCKER_HOST docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null) || return 1
  [[ $host != unix://* || -S ${host#unix://} ]] && echo "$host"
}

# Sets ENGINE_HOST.
engine_up() {
  local found
  clock
  ENGINE_HOST=$(own_socket engine)
  if engine_running engine; then
    say 'engine' "already running ($(engine_version))"
  elif found=$(found_host) && has_containerd_store "$found"; then
    ENGINE_HOST=$found
    say 'engine' "already running, not the lab's ($(engine_version))"
  else
    [[ -z ${found:-} ]] || say 'engine' "the one at $found lacks the containerd image store or does not answer: left alone"
    engine_start engine true
    say 'engine' "started in $(took) ($(engine_version))"
  fi
}
engine_version() { ask_engine "$ENGINE_HOST" '{{.ServerVersion}}, {{.Driver}}'; }

# extra_up NAME CONTAINERD-STORE: one more engine, always the lab's own.
extra_up() {
  clock
  if engine_running "$1"; then
    say "$1 engine" 'already running'
  else
    engine_start "$1" "$2"
    say "$1 engine" "started in $(took)"
  fi
}

engine_running() {
  pid_of "$STATE/$1/dockerd.pid" >/dev/null && ask_engine "$(own_socket "$1")" '{{.ID}}' >/dev/null
}

# Folders that the programs make however they are configured, innermost first.
RUN_FOLDERS=(/run/containerd/s /run/containerd /run/docker/plugins /run/docker /run/runc)

# engine_start NAME CONTAINERD-STORE
engine_start() {
  local dir=$STATE/$1 folder
  may_be_root || fail "an engine of the lab's own needs root (or sudo without a password), and no Docker with the containerd image store answers: turn that store on, https://docs.docker.com/engine/storage/containerd/"
  fetch "${ENGINE_PACKAGES[@]}" ||
    fail "the packages ${ENGINE_PACKAGES[*]} cannot be had from this machine's distribution (see $STATE/log/packages.log): install Docker, https://docs.docker.com/engine/install/"
  engine_stop "$1" || true
  mkdir -p "$dir/containerd"
  for folder in "${RUN_FOLDERS[@]}"; do [[ -d $folder ]] || echo "$folder"; done >>"$STATE/run-folders"
  bridge_up "$dir"
  write_containerd_config "$dir"
  write_engine_config "$dir" "$2"
  local path=$SUITE_ROOT/usr/sbin:$SUITE_ROOT/usr/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  launch_as_root "$1-containerd" "$dir/containerd.pid" \
    env PATH="$path" "$SUITE_ROOT/usr/bin/containerd" --config "$dir/containerd.toml"
  until_ready "$1-containerd" "$dir/containerd.pid" 30 test -S "$dir/containerd/containerd.sock"
  launch_as_root "$1" "$dir/dockerd.pid" \
    env PATH="$path" "$SUITE_ROOT/usr/sbin/dockerd" --config-file "$dir/daemon.json"
  until_ready "$1" "$dir/dockerd.pid" 60 ask_engine "$(own_socket "$1")" '{{.ID}}'
}

write_containerd_config() {
  cat >"$1/containerd.toml" <<TOML
version = 2
root = "$1/containerd/data"
state = "$1/containerd/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime", "io.containerd.podsandbox.controller.v1.podsandbox", "io.containerd.nri.v1.nri", "io.containerd.snapshotter.v1.blockfile", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]
[grpc]
address = "$1/containerd/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
path = "$1/containerd/opt"
TOML
}

cgroup_of() { echo "stevedore-lab-$1"; }

# write_engine_config DIR CONTAINERD-STORE. An overlay cannot lie on an overlay.
write_engine_config() {
  local storage=
  [[ $(stat -f -c %T "$1") != overlayfs ]] || storage='"storage-driver": "'$([[ $2 == true ]] && echo native || echo vfs)'",'
  cat >"$1/daemon.json" <<JSON
{
  "features": {"containerd-snapshotter": $2}, $storage
  "hosts": ["$(own_socket "${1##*/}")"],
  "group": "$(id -g)",
  "data-root": "$1/data",
  "exec-root": "$1/exec",
  "pidfile": "$1/engine.pid",
  "containerd": "$1/containerd/containerd.sock",
  "exec-opts": ["native.cgroupdriver=cgroupfs"],
  "cgroup-parent": "/$(cgroup_of "${1##*/}")",
  "bridge": "$(cat "$1/bridge")",
  "iptables": false, "ip6tables": false, "ip-forward": false, "ip-masq": false,
  "userland-proxy": true,
  "userland-proxy-path": "$SUITE_ROOT/usr/sbin/docker-proxy",
  "shutdown-timeout": 5
}
JSON
}

# bridge_up DIR: a bridge of its own, under the first free name and network;
# docker0 may be another engine's. iproute2 is not everywhere, busybox is ours.
bridge_up() {
  local n name route
  fetch busybox-static || fail "no busybox from this machine's distribution (see $STATE/log/packages.log)"
  for n in {0..99}; do
    name=stevedore$n route=$(printf '00%02XC70A' "$n")
    [[ -e /sys/class/net/$name ]] || grep -q "$route" /proc/net/route || break
  done
  as_root "$SUITE_ROOT/usr/bin/busybox" brctl addbr "$name"
  echo "$name" >"$1/bridge"
  as_root "$SUITE_ROOT/usr/bin/busybox" ip address add "$(bridge_address "$name")/24" dev "$name"
  as_root "$SUITE_ROOT/usr/bin/busybox" ip link set "$name" up
}

bridge_address() { echo "10.199.${1#stevedore}.1"; }

bridge_down() {
  local name port
  name=$(cat "$1/bridge" 2>/dev/null) || return 0
  rm -f "$1/bridge"
  [[ -e /sys/class/net/$name ]] || return 0
  # What a builder on the host's network has left that was killed.
  for port in /sys/class/net/"$name"/brif/*; do
    [[ ! -e $port ]] || as_root "$SUITE_ROOT/usr/bin/busybox" ip link delete "${port##*/}" || true
  done
  as_root "$SUITE_ROOT/usr/bin/busybox" ip link set "$name" down
  as_root "$SUITE_ROOT/usr/bin/busybox" brctl delbr "$name"
}

kill_containers() {
  local ids
  ids=$(DOCKER_HOST=$1 timeout 10 docker ps --quiet 2>/dev/null) || return 0
  # shellcheck disable=SC2086  # one word an id
  [[ -z $ids ]] || DOCKER_HOST=$1 timeout 20 docker kill $ids >/dev/null 2>&1 || true
}

# engine_stop NAME: containers of the lab are killed, not asked; what a crash
# may have left of them is looked for by this engine's folder.
engine_stop() {
  local dir=$STATE/$1 stopped=1 pid mount folder
  [[ -d $dir ]] || return 1
  SUITE_ROOT=$PACKAGES/$(cat "$PACKAGES/suite" 2>/dev/null || true)
  kill_containers "$(own_socket "$1")"
  halt "$dir/dockerd.pid" 20 && stopped=0
  halt "$dir/containerd.pid" 10 && stopped=0
  while IFS=/ read -r _ _ pid _; do
    ! grep -q ^containerd-shim "/proc/$pid/comm" 2>/dev/null || as_root kill -KILL "$pid" 2>/dev/null || true
  done < <(grep -lsaF "$dir/containerd/containerd.sock" /proc/[0-9]*/cmdline)
  while read -r mount; do as_root umount -l "$mount" || true; done < <(awk -v dir="$dir/" 'index($2, dir) == 1 { print $2 }' /proc/mounts | sort -r)
  bridge_down "$dir"
  as_root rm -rf "$dir/exec" "$dir/engine.pid" "$dir/docker.sock" "$dir/containerd/containerd.sock" "$dir/containerd/containerd.sock.ttrpc" "$dir/containerd/state"
  while read -r folder; do as_root rmdir "$folder" 2>/dev/null || true; done < <(cat "$STATE/run-folders" 2>/dev/null)
  # Those of builders are below /docker, whatever the engine says; rmdir takes
  # only what nobody uses.
  as_root find /sys/fs/cgroup -depth -type d \( -path "*/$(cgroup_of "$1")*" -o -path '*/docker/buildx' -o -path '*/docker' \) \
    -exec rmdir {} \; 2>/dev/null || true
  return "$stopped"
}
