# shellcheck shell=bash
# A base image for both platforms in the lab's registries, so that a build needs
# no other. From Debian's static busybox, which is the same program that the
# image on Docker Hub has; elsewhere that image is copied.

base_packages() { has_packages && grep -qx 'ID=debian' /etc/os-release && echo "busybox-static busybox-static:$OTHER"; }

base_up() {
  local tag
  clock
  tag=$(cat "$STATE/base/tag" 2>/dev/null) || true
  if [[ -n $tag ]] && base_there login "$tag" "$LAB_USER:$(cat "$PASSWORD_FILE")" && base_there open "$tag"; then
    say 'base image' "already there ($(base_reference login "$tag"))"
    return
  fi
  mkdir -p "$STATE/base"
  # shellcheck disable=SC2046
  if [[ -n $(base_packages) ]] && fetch $(base_packages); then base_build || base_copy; else base_copy; fi
  tag=$(cat "$STATE/base/tag")
  say 'base image' "pushed in $(took) ($(base_reference login "$tag"))"
}

base_reference() { echo "127.0.0.1:$(registry_port "$1")/library/busybox:$2"; }
base_there() { [[ $(http_status "$(registry_port "$1")" "/v2/library/busybox/manifests/$2" "${3:-}") == 200 ]]; }

lab_buildx() {
  DOCKER_HOST=$ENGINE_HOST DOCKER_CONFIG=$STATE/docker-config BUILDX_CONFIG=$STATE/buildx BUILDX_BUILDER=default \
    "$BUILDX" "$@" >>"$STATE/log/base.log" 2>&1
}

base_build() {
  local dir=$STATE/base tag arch
  for arch in "$NATIVE:$SUITE_ROOT" "$OTHER:$SUITE_ROOT/$OTHER"; do
    mkdir -p "$dir/${arch%%:*}"
    cp "$(compgen -G "${arch#*:}/usr/bin/busybox" || echo "${arch#*:}/bin/busybox")" "$dir/${arch%%:*}/busybox"
  done
  tag=$("$dir/$NATIVE/busybox" | sed -nE '1s/^BusyBox v([0-9]+\.[0-9]+).*/\1/p')
  mkdir -p "$dir/etc" && echo 'root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/home:/bin/false' >"$dir/etc/passwd"
  echo 'root:x:0:
nobody:x:65534:' >"$dir/etc/group"
  cat >"$dir/Dockerfile" <<'DOCKERFILE'
FROM scratch
ARG TARGETARCH
COPY $TARGETARCH/busybox /bin/busybox
COPY etc /etc
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN mkdir -m 1777 /tmp && mkdir -m 700 /root
CMD ["sh"]
DOCKERFILE
  lab_buildx build --platform linux/amd64,linux/arm64 --provenance=false --push \
    --tag "$(base_reference login "$tag")" --tag "$(base_reference open "$tag")" "$dir" || return 1
  echo "$tag" >"$dir/tag"
}

# Not tried here: needs Docker Hub. Also where a handler without the flag P is
# registered for the other processor, with which Debian's busybox cannot work.
base_copy() {
  lab_buildx imagetools create --tag "$(base_reference login 1.37)" --tag "$(base_reference open 1.37)" busybox:1.37 ||
    fail "the base image could neither be built nor be copied from Docker Hub; see $STATE/log/base.log"
  echo 1.37 >"$STATE/base/tag"
}
