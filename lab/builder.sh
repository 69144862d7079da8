# shellcheck shell=bash
# The image that buildx starts a docker-container builder from, in the classic
# engine: the real one where it is there or can be pulled, else a stand-in whose
# BuildKit is the one of a Docker Engine out of the lab's own packages.

BUILDER_IMAGE=moby/buildkit:buildx-stable-1

builder_docker() { DOCKER_HOST=$(own_socket classic) timeout 120 docker "$@"; }
builder_label() {
  builder_docker image inspect --format '{{index .Config.Labels "stevedore.lab"}}' "$BUILDER_IMAGE" 2>/dev/null
}

builder_up() {
  local made wanted
  clock
  wanted=$(builder_version)
  if made=$(builder_label) && [[ -z $made || $made == "$wanted" ]]; then
    say "builder's image" "already there ($BUILDER_IMAGE)"
  elif [[ -z ${made:-} ]] && builder_docker pull --quiet "$BUILDER_IMAGE" >"$STATE/log/builder.log" 2>&1; then
    say "builder's image" "pulled in $(took) ($BUILDER_IMAGE)"
  else
    builder_import "$wanted" || fail "the image of a builder cannot be made; see $STATE/log/builder.log"
    say "builder's image" "made in $(took) (stands in for $BUILDER_IMAGE)"
  fi
}

builder_programs() {
  printf '%s\n' "$SUITE_ROOT"/usr/sbin/{dockerd,runc} \
    "$SUITE_ROOT"/usr/bin/{containerd,containerd-shim-runc-v2,tini-static,busybox} \
    "$BUILDX" "$LAB"/builder/{buildkitd,buildctl}
}
# The bridge of the classic engine, for a builder on the host's network.
builder_bridge() {
  local name
  name=$(cat "$STATE/classic/bridge")
  echo "$name:$(bridge_address "$name")"
}
# Another one for other programs, scripts or another bridge.
builder_version() {
  fetch "${ENGINE_PACKAGES[@]}" busybox-static
  {
    builder_bridge
    builder_programs | xargs -d '\n' stat --dereference --format '%n %s %Y' --
    cat "$LAB/builder.sh" "$LAB"/builder/*
  } | sha256sum | cut -c 1-16
}

# builder_import VERSION: no layer is kept, one tar is the image.
builder_import() {
  local root=$STATE/builder program library
  builder_docker rmi --force "$BUILDER_IMAGE" >>"$STATE/log/builder.log" 2>&1
  rm -rf "$root" && mkdir -p "$root"/{bin,etc,run,tmp,var/lib/buildkit} || return 1
  while read -r program; do
    cp -L "$program" "$root/bin/" || return 1
    while read -r library; do
      [[ -e $root$library ]] || { mkdir -p "$root${library%/*}" && cp -L "$library" "$root$library"; } || return 1
    done < <(ldd "$program" 2>/dev/null | grep -oE '/[^ ]+\.so[^ ]*')
  done < <(builder_programs)
  mv "$root/bin/tini-static" "$root/bin/docker-init" || return 1
  for program in $("$root/bin/busybox" --list); do [[ -e $root/bin/$program ]] || ln -s busybox "$root/bin/$program"; done
  echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
  tar -C "$root" --owner 0 --group 0 --numeric-owner -c . | builder_docker import \
    --change 'ENTRYPOINT ["buildkitd"]' --change "ENV PATH=/bin LAB_BRIDGE=$(builder_bridge)" --change 'VOLUME /var/lib/buildkit' \
    --change "LABEL stevedore.lab=$1" - "$BUILDER_IMAGE" >>"$STATE/log/builder.log" 2>&1
  local made=$?
  rm -rf "$root"
  return "$made"
}
