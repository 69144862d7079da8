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

# For a shell with the rights: $1 is the line to write, $2 the file in
# binfmt_misc. The entries live as long as it is mounted somewhere.
# shellcheck disable=SC2016
WRITE_BINFMT='d=/proc/sys/fs/binfmt_misc; [ -e $d/register ] || { mount -t binfmt_misc binfmt_misc $d && echo mounted; }; printf %s "$1" >$d/$2'

register_emulator() {
  on_machine sh -c "$WRITE_BINFMT" sh "$(binfmt_line)" register >"$STATE/emulator" 2>>"$STATE/log/emulator.log" ||
    fail "$HANDLER could not be registered (see $STATE/log/emulator.log): is the kernel's binfmt_misc there (modprobe binfmt_misc)?"
}

# on_machine COMMAND…: as root, directly or where only Docker has the rights
# through a privileged container, which is just the machine's busybox, and from
# there among the mounts that this script sees.
on_machine() {
  if may_be_root; then
    as_root "$@"
    return
  fi
  local busybox
  busybox=$(compgen -G "$PACKAGES/*/usr/bin/busybox" || compgen -G "$PACKAGES/*/bin/busybox") || return 1
  busybox=${busybox%%$'\n'*}
  printf 'FROM scratch\nCOPY busybox /bin/busybox\n' |
    DOCKER_HOST=$ENGINE_HOST BUILDX_CONFIG=$STATE/buildx BUILDX_BUILDER=default "$BUILDX" build --load --provenance=false \
      --tag stevedore-lab/privileged --file - "${busybox%/*}" >>"$STATE/log/emulator.log" 2>&1 || return 1
  DOCKER_HOST=$ENGINE_HOST docker run --rm --privileged --pid host --network none \
    stevedore-lab/privileged /bin/busybox nsenter -t $$ -m "$@"
}

# Where there are no packages (not tried).
emulator_by_image() {
  DOCKER_HOST=$ENGINE_HOST docker run --rm --privileged tonistiigi/binfmt --install "$OTHER" >>"$STATE/log/emulator.log" 2>&1 ||
    fail "no emulator for $OTHER: neither a package of this machine's distribution nor the image tonistiigi/binfmt could be had"
  echo image >"$STATE/emulator"
}

others() { compgen -G "$BINFMT/*" | grep -vE '/(register|status)$'; }

# Only what the lab registered, and only while it still is the lab's.
emulator_down() {
  local how
  how=$(cat "$STATE/emulator" 2>/dev/null) || return 1
  case $how in
    image) DOCKER_HOST=$ENGINE_HOST docker run --rm --privileged tonistiigi/binfmt --uninstall "$HANDLER" >/dev/null 2>&1 ;;
    *)
      ! grep -qF "interpreter $EMULATOR" "$BINFMT/$HANDLER" 2>/dev/null || on_machine sh -c "printf %s -1 >$BINFMT/$HANDLER"
      # Unmounting ends every handler: not while somebody else's is there.
      [[ $how != mounted || -n $(others) ]] || on_machine umount "$BINFMT"
      ;;
  esac
  rm -f "$STATE/emulator"
}
