# shellcheck shell=bash
# Two registries on loopback (CNCF Distribution): one that asks for a user and a
# password, one that asks for nothing. Loopback is what engine, buildx and
# BuildKit talk to without TLS. Ports and password outlive a restart.

LAB_USER=lab
PASSWORD_FILE=$STATE/registry/password

registry_packages() { has_packages && echo docker-registry; }
registry_port() { cat "$STATE/registry/$1.port" 2>/dev/null; }

registries_up() {
  mkdir -p "$STATE/registry"
  write_password
  registry_up login 401 5500
  registry_up open 200 5600
  write_login
}

write_password() {
  [[ -s $STATE/registry/htpasswd ]] && return
  (umask 077 && od -An -N18 -tx1 /dev/urandom | tr -d ' \n' >"$PASSWORD_FILE")
  # perl is on every Debian; its crypt is the C library's, which knows bcrypt.
  perl -e '
    my @set = ("A".."Z", "a".."z", 0..9);
    open my $random, "<", "/dev/urandom" or die; read $random, my $bytes, 22;
    my $salt = join "", map { $set[ord($_) % 62] } split //, $bytes;
    my $hash = crypt(<STDIN>, "\$2y\$05\$${salt}") // "";
    $hash =~ /^\$2y\$/ or die "no bcrypt\n"; print "$ARGV[0]:$hash\n"' \
    "$LAB_USER" <"$PASSWORD_FILE" >"$STATE/registry/htpasswd" 2>/dev/null ||
    htpasswd -nbBi "$LAB_USER" <"$PASSWORD_FILE" >"$STATE/registry/htpasswd" ||
    fail 'neither perl nor htpasswd of this machine makes a bcrypt hash: install apache2-utils'
}

# registry_up NAME EXPECTED-STATUS FIRST-PORT
registry_up() {
  local name=$1 expected=$2 port try
  local pidfile=$STATE/registry/$name.pid
  clock
  port=$(registry_port "$name") || port=$3
  if registry_lives "$name" && [[ $(http_status "$port" /v2/) == "$expected" ]]; then
    say "registry ($name)" "already running on 127.0.0.1:$port"
    return
  fi
  registry_stop "$name" || true
  for try in {0..99}; do
    [[ $(http_status "$port" /v2/) == 000 ]] && ! port_open "$port" && break
    port=$(($3 + try + 1))
  done
  echo "$port" >"$STATE/registry/$name.port"
  write_registry_config "$name" "$port"
  registry_start "$name"
  until_ready "registry-$name" "$pidfile" 60 registry_answers "$port" "$expected"
  say "registry ($name)" "started in $(took) on 127.0.0.1:$port"
}
port_open() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
registry_answers() { [[ $(http_status "$1" /v2/) == "$2" ]]; }

write_registry_config() {
  local config=$STATE/registry/$1.yml
  cat >"$config" <<YAML
version: 0.1
log: {level: info, accesslog: {disabled: false}}
storage:
  filesystem: {rootdirectory: "$STATE/registry/$1"}
  delete: {enabled: true}
http: {addr: "127.0.0.1:$2"}
YAML
  [[ $1 == open ]] || echo "auth: {htpasswd: {realm: stevedore-lab, path: \"$STATE/registry/htpasswd\"}}" >>"$config"
}

# From the package; where there are no packages, from the image (not tried).
registry_start() {
  if fetch docker-registry; then
    launch "registry-$1" "$STATE/registry/$1.pid" env OTEL_TRACES_EXPORTER=none \
      "$SUITE_ROOT/usr/bin/docker-registry" serve "$STATE/registry/$1.yml"
  else
    launch "registry-$1" "$STATE/registry/$1.pid" env DOCKER_HOST="$ENGINE_HOST" docker run --rm --init --network host \
      --name "stevedore-lab-$1" --user "$(id -u):$(id -g)" -v "$STATE/registry:$STATE/registry" \
      registry:2 serve "$STATE/registry/$1.yml"
  fi
}
registry_lives() { pid_of "$STATE/registry/$1.pid" >/dev/null; }
registry_stop() { halt "$STATE/registry/$1.pid" 10; }

# The lab's own login, for what it pushes itself; nobody else's configuration.
write_login() {
  local dir=$STATE/docker-config port
  port=$(registry_port login)
  (umask 077 && mkdir -p "$dir" && printf '{"auths": {"127.0.0.1:%s": {"auth": "%s"}}}\n' "$port" \
    "$(printf '%s:%s' "$LAB_USER" "$(cat "$PASSWORD_FILE")" | base64 -w0)" >"$dir/config.json")
}
