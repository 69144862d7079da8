# shellcheck shell=bash
# The docker CLI and buildx: found if they are new enough, else unpacked.
# $STATE/bin then holds a docker-buildx that runs alone, and is first on PATH.

BUILDX=$STATE/bin/docker-buildx
# What the user's shell has, before the lab's own programs came first.
FOUND_PATH=${PATH//$STATE\/bin:/}

# at_least WANTED FOUND
at_least() { [[ -n $2 ]] && printf '%s\n%s\n' "$1" "$2" | sort -CV; }

# The first with a containerd store that was meant for use is 23.
docker_found() {
  local version
  version=$(PATH=$FOUND_PATH docker --version 2>/dev/null | grep -oE '[0-9]+\.[0-9]+(\.[0-9]+)?' | head -n 1) || true
  at_least 23.0 "$version"
}

# Prints the path of a buildx with machine-readable progress (0.13).
buildx_found() {
  local candidate version
  for candidate in $(PATH=$FOUND_PATH command -v docker-buildx buildx) \
    "${DOCKER_CONFIG:-$HOME/.docker}"/cli-plugins/docker-buildx \
    /usr/local/{lib,libexec}/docker/cli-plugins/docker-buildx /usr/{lib,libexec}/docker/cli-plugins/docker-buildx; do
    # Not one of a lab's: that of another state folder can be gone tomorrow.
    [[ -x $candidate && $(readlink -f "$candidate") != */packages/*/usr/libexec/* ]] || continue
    version=$("$candidate" version 2>/dev/null | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | head -n 1) || true
    if at_least 0.13.0 "$version"; then
      echo "$candidate"
      return
    fi
  done
  return 1
}

clients_packages() {
  docker_found || echo docker-cli
  buildx_found >/dev/null || echo docker-buildx
}

clients_up() {
  local buildx note='already there'
  clock
  if docker_found; then
    rm -f "$STATE/bin/docker"
  else
    [[ -x $STATE/bin/docker ]] || note=
    fetch docker-cli || fail "no docker CLI, and the packages of this machine's distribution do not give one (see $STATE/log/packages.log): install Docker, https://docs.docker.com/engine/install/"
    ln -sfn "$SUITE_ROOT/usr/bin/docker" "$STATE/bin/docker"
  fi
  if ! buildx=$(buildx_found); then
    [[ -x $BUILDX ]] || note=
    fetch docker-buildx || fail "no buildx of version 0.13 or later, and the packages of this machine's distribution do not give one (see $STATE/log/packages.log): install it, https://github.com/docker/buildx#installing"
    buildx=$SUITE_ROOT/usr/libexec/docker/cli-plugins/docker-buildx
  fi
  [[ $(readlink "$BUILDX") == "$buildx" ]] || ln -sfn "$buildx" "$BUILDX"
  PATH=$STATE/bin:$FOUND_PATH
  plugin_up
  say 'docker CLI, buildx' "${note:-unpacked in $(took)} ($("$BUILDX" version | awk '{ print $2 }'))"
}

# For `docker buildx …` typed by hand; taken away again by clients_down.
plugin_up() {
  local plugin=${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins/docker-buildx
  [[ -e $plugin ]] || ! [[ $(readlink "$BUILDX") == "$STATE"/* ]] && return
  mkdir -p "${plugin%/*}" && ln -sfn "$BUILDX" "$plugin" && echo "$plugin" >"$STATE/plugin"
}

clients_down() {
  local plugin
  plugin=$(cat "$STATE/plugin" 2>/dev/null) || return 0
  [[ $(readlink "$plugin") == "$BUILDX" ]] && rm -f "$plugin" &&
    rmdir -p --ignore-fail-on-non-empty "${plugin%/*}" 2>/dev/null
  rm -f "$STATE/plugin"
}
