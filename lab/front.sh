# shellcheck shell=bash
# nginx: what stands before a registry where it is to refuse, to be busy, or to
# show a certificate. Found, else unpacked; tests start it with configurations
# of their own.

front_packages() { nginx_found >/dev/null || echo nginx; }

nginx_found() { PATH=$PATH:/usr/sbin command -v nginx; }

# Sets NGINX.
front_up() {
  if NGINX=$(nginx_found); then
    say 'nginx' "already there ($NGINX)"
    return
  fi
  local said=unpacked
  ! compgen -G "$PACKAGES/*/usr/sbin/nginx" >/dev/null || said='already unpacked'
  fetch nginx || fail "nginx cannot be had from this machine's distribution (see $STATE/log/packages.log): install it"
  NGINX=$SUITE_ROOT/usr/sbin/nginx
  "$NGINX" -v 2>/dev/null || fail "$NGINX does not run on this machine: install nginx"
  say 'nginx' "$said"
}
