# shellcheck shell=bash
# Programs from the distribution's packages, unpacked in the state folder and
# never installed. Debian's newer suites have an engine that the machine's own
# lacks; its lists are read beside the machine's, which stay as they are.

PACKAGES=$STATE/packages

has_packages() { command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; }

# The first archive among the machine's own sources, as "URI KEY"; the key is
# "-" where the source names none.
own_archive() {
  cat /etc/apt/sources.list.d/*.sources 2>/dev/null | awk '
    function flush() { if (deb && uri && !side) { print uri, key; found = 1; exit } deb = uri = side = ""; key = "-" }
    BEGIN { key = "-" }
    /^#/ { next }
    /^[ \t]*$/ { flush(); next }
    tolower($1) == "types:" { deb = /(^|[ \t])deb([ \t]|$)/ }
    tolower($1) == "enabled:" && tolower($2) == "no" { side = 1 }
    tolower($1) == "uris:" { uri = $2 }
    tolower($1) == "suites:" && $2 ~ /security|nodistro|\/$/ { side = 1 }
    tolower($1) == "components:" && !/(^|[ \t])main([ \t]|$)/ { side = 1 }
    tolower($1) == "signed-by:" && $2 ~ /^\// { key = $2 }
    END { if (!found) flush() }' | grep . ||
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | awk '
    $1 == "deb" {
      key = "-"
      if (match($0, /signed-by=[^] \t]+/)) key = substr($0, RSTART + 10, RLENGTH - 10)
      sub(/\[[^]]*\]/, "")
      if ($3 !~ /security|\/$/ && $0 ~ / main/) { print $2, key; exit }
    }' | grep .
}

# Suites to take the programs from, best first. Debian's sid changes from week
# to week, so there is a second choice; Ubuntu has what is needed in its own.
suites() {
  # shellcheck disable=SC1091
  (. /etc/os-release && case $ID in
    debian) printf '%s\n' sid trixie ;;
    *) echo "${VERSION_CODENAME:-}" ;;
  esac)
}

own_suite() {
  # shellcheck disable=SC1091
  (. /etc/os-release && echo "${VERSION_CODENAME:-sid}")
}

# write_sources SUITE: apt's configuration for this suite beside the machine's
# own, with lists and cache of the lab's. Only Debian serves another
# architecture under the same address.
write_sources() {
  local dir=$STATE/apt/$1 uri key signed='' own arches=$NATIVE components=main
  read -r uri key <<<"$(own_archive)" || true
  [[ -n ${uri:-} ]] || return 1
  [[ $key == - ]] || signed="Signed-By: $key"
  own=$(own_suite)
  if grep -qx 'ID=debian' /etc/os-release; then arches="$NATIVE $OTHER"; else components="main universe" own="$own $own-updates"; fi
  mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
  {
    printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: %s\nArchitectures: %s\n%s\n' "$uri" "$own" "$components" "$NATIVE" "$signed"
    [[ " $own " == *" $1 "* ]] ||
      printf '\nTypes: deb\nURIs: %s\nSuites: %s\nComponents: %s\nArchitectures: %s\n%s\n' "$uri" "$1" "$components" "$arches" "$signed"
  } | sed '/^$/N;/^\n$/D' >"$dir/lab.sources"
  # The machine's hooks are about its own lists, not ours.
  cat >"$dir/apt.conf" <<CONF
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear APT::Architectures;
APT::Architecture "$NATIVE";
APT::Architectures { "$NATIVE"; "$OTHER"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
Acquire::Retries "3";
Dir::Etc::sourcelist "$dir/lab.sources";
Dir::Etc::sourceparts "/dev/null";
Dir::State::Lists "$dir/lists";
Dir::Cache "$dir/cache";
CONF
}

# fetch_from SUITE PACKAGE...: downloads and unpacks what is not there yet.
fetch_from() {
  local suite=$1 root=$PACKAGES/$1 own package missing=()
  shift
  for package in "$@"; do [[ -e $root/.unpacked/$package ]] || missing+=("$package"); done
  ((${#missing[@]})) || return 0
  own=$(own_suite)
  local conf=$STATE/apt/$suite/apt.conf into=$root/.download names=()
  write_sources "$suite" || return 1
  rm -rf "$into" && mkdir -p "$into" "$root/.unpacked" || return 1
  apt-get -c "$conf" update >>"$STATE/log/packages.log" 2>&1 || return 1
  for package in "${missing[@]}"; do
    case " $own " in
      *" $suite "*) names+=("$(name_in "$conf" "$package")") ;;
      *) names+=("$(name_in "$conf" "$package")/$(suite_of "$package" "$suite" "$own")") ;;
    esac
  done
  {
    echo "== $(date) $suite: ${names[*]}"
    (cd "$into" && apt-get -c "$conf" download "${names[@]}")
  } >>"$STATE/log/packages.log" 2>&1 || return 1
  for package in "${missing[@]}"; do
    unpack "$(name_in "$conf" "$package")" "$into" "$root" || return 1
    touch "$root/.unpacked/$package"
  done
  rm -rf "$into"
}

# suite_of PACKAGE SUITE OWN: runc and nginx follow the machine's own libraries
# more closely than the rest does.
suite_of() { if [[ $1 == runc || $1 == nginx ]]; then echo "$3"; else echo "$2"; fi; }

# name_in CONF PACKAGE: older suites have the program of tini-static in tini.
name_in() {
  if [[ $2 == tini-static ]] && ! apt-cache -c "$1" show tini-static >/dev/null 2>&1; then echo tini; else echo "$2"; fi
}

# unpack PACKAGE FROM ROOT. Of QEMU only the one program is wanted: the package
# holds one for every processor there ever was. The other architecture's busybox
# would overwrite this one's.
unpack() {
  local name=${1%%:*} arch=${1#*:} file
  [[ $arch == "$1" ]] && arch=$NATIVE
  file=$(compgen -G "$2/${name}_*_$arch.deb" || compgen -G "$2/${name}_*_all.deb") || return 1
  case $1 in
    qemu-user*)
      dpkg-deb --fsys-tarfile "$file" | tar -x -C "$3" --wildcards "./usr/bin/qemu-$QEMU_ARCH*"
      ;;
    *:"$OTHER") mkdir -p "$3/$OTHER" && dpkg -x "$file" "$3/$OTHER" ;;
    *) dpkg -x "$file" "$3" ;;
  esac
}

# fetch PACKAGE...: from the suite that earlier calls settled on, else from the
# first whose programs run here; SUITE_ROOT is where they are.
fetch() {
  local suite
  has_packages || return 1
  for suite in $(cat "$PACKAGES/suite" 2>/dev/null || suites); do
    SUITE_ROOT=$PACKAGES/$suite
    PATH=$SUITE_ROOT/usr/sbin:$SUITE_ROOT/usr/bin:$PATH
    fetch_from "$suite" "$@" && programs_run "$SUITE_ROOT" && echo "$suite" >"$PACKAGES/suite" && return 0
  done
  rm -f "$PACKAGES/suite"
  return 1
}

# A newer suite's program may want a newer C library than the machine has.
programs_run() {
  local program
  for program in usr/sbin/dockerd usr/bin/containerd usr/sbin/runc usr/bin/docker usr/bin/docker-registry \
    usr/bin/busybox; do
    [[ ! -x $1/$program ]] || "$1/$program" --version >/dev/null 2>&1 || "$1/$program" --help >/dev/null 2>&1 || {
      echo "$1/$program does not run on this machine" >>"$STATE/log/packages.log"
      return 1
    }
  done
}
