# shellcheck shell=bash
# The emulator for the other processor: QEMU, registered with the kernel's
# binfmt_misc under its usual name. The flag F opens it once, at registration, so
# that containers need no copy of it; P keeps argv[0], by which Debian's busybox
# knows what to be. A handler that is there already is used as it is.

BINFMT=/proc/sys/fs/binfmt_misc
HANDLER=qemu-$QEMU_ARCH
EMULATOR=$STATE/bin/$HANDLER

emulator_packages() {
  has_packages || return 0
  emulates || if grep -qx 'ID=debian' /etc/os-release; then echo qemu-user; else echo qemu-user-static; fi
}

# The proof is a program of that processor that runs.
emulates() {
  local program
  program=$(compgen -G "$PACKAGES/*/$OTHER/usr/bin/busybox" || compgen -G "$PACKAGES/*/$OTHER/bin/busybox") || true
  program=${program%%$'\n'*}
  if [[ -n $program ]]; then "$program" true 2>/dev/null; else [[ -e $BINFMT/$HANDLER ]]; fi
}

emulator_up() {
  clock
  if emulates; then
    [[ ! -r $BINFMT/$HANDLER ]] || grep -q '^flags:.*F' "$BINFMT/$HANDLER" ||
      say "emulator ($OTHER)" "the registered $HANDLER lacks the flag F: containers will need a copy of it"
    say "emulator ($OTHER)" 'already registered'
    return
  fi
  if emulator_program; then register_emulator; else emulator_by_image; fi
  emulates || fail "the kernel does not run $OTHER programs although $HANDLER was registered"
  say "emulator ($OTHER)" "registered in $(took)"
}

emulator_program() {
  # shellcheck disable=SC2046  # no package is no argument
  fetch $(emulator_packages) || return 1
  local program
  for program in "$SUITE_ROOT/usr/bin/$HANDLER"{,-static}; do
    if [[ -x $program ]]; then ln -f "$program" "$EMULATOR" && return 0; fi
  done
  return 1
}

# binfmt_misc(5)'s line: the head of an ELF file for this processor.
binfmt_line() {
  local machine='\xb7'
  [[ $OTHER == arm64 ]] || machine='\x3e'
  printf ':%s:M::%s:%s:%s:OCFP' "$HANDLER" \
    '\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00'"$machine"'\x00' \
    '\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff' "$EMULATOR"
}

# Runs in a shell that may: $1 is the line to write, $2 the file in binfmt_misc.
# shellcheck disable=SC2016
WRITE_BINFMT='d=/proc/sys/fs/binfmt_misc; [ -e $d/register ] || { mount -t binfmt_misc binfmt_misc $d && echo mounted; }; printf %s "$1" >$d/$2'

register_emulator() {
  if may_be_root; then
    as_root sh -c "$WRITE_BINFMT" sh "$(binfmt_line)" register >"$STATE/emulator"
  else
    privileged "$(binfmt_line)" register >/dev/null && echo container >"$STATE/emulator"
  fi || fail "$HANDLER could not be registered: is the kernel's binfmt_misc there (modprobe binfmt_misc)?"
}

# privileged LINE FILE: the same where only Docker has the rights: a container
# that is just the machine's busybox, with the emulator at its own path.
privileged() {
  local busybox=$SUITE_ROOT/usr/bin/busybox
  [[ -x $busybox ]] || busybox=$SUITE_ROOT/bin/busybox
  printf 'FROM scratch\nCOPY busybox /bin/busybox\n' |
    DOCKER_HOST=$ENGINE_HOST BUILDX_BUILDER=default "$BUILDX" build --quiet --load --provenance=false \
      --tag stevedore-lab/privileged --file - "${busybox%/*}" >>"$STATE/log/emulator.log" 2>&1 &&
    DOCKER_HOST=$ENGINE_HOST docker run --rm --privileged --network none -v "$STATE/bin:$STATE/bin:ro" \
      stevedore-lab/privileged /bin/busybox sh -c "mount() { /bin/busybox mount \"\$@\"; }; $WRITE_BINFMT" sh "$1" "$2"
}

# Where there are no packages (not tried).
emulator_by_image() {
  DOCKER_HOST=$ENGINE_HOST docker run --rm --privileged tonistiigi/binfmt --install "$OTHER" >>"$STATE/log/emulator.log" 2>&1 ||
    fail "no emulator for $OTHER: neither a package of this machine's distribution nor the image tonistiigi/binfmt could be had"
  echo image >"$STATE/emulator"
}

# Only what the lab registered, and only while it still is the lab's.
emulator_down() {
  local how
  how=$(cat "$STATE/emulator" 2>/dev/null) || return 1
  case $how in
    image) DOCKER_HOST=$ENGINE_HOST docker run --rm --privileged tonistiigi/binfmt --uninstall "$HANDLER" >/dev/null 2>&1 ;;
    container) privileged -1 "$HANDLER" >/dev/null ;;
    *)
      ! grep -qF "interpreter $EMULATOR" "$BINFMT/$HANDLER" 2>/dev/null || as_root sh -c "printf %s -1 >$BINFMT/$HANDLER"
      [[ $how != mounted ]] || as_root umount "$BINFMT"
      ;;
  esac
  rm -f "$STATE/emulator"
}
