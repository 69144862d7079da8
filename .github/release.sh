#!/usr/bin/env bash
# The parts of release.yml that are more than a line.
#   release.sh version   prints Cargo.toml's version, if it can be released
#   release.sh notes     prints what CHANGELOG.md says of it
#   release.sh commit    commits dist/ on top of HEAD, tags that, pushes the tags
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
  echo "::error title=Release::$*"
  exit 1
}

version() { cargo metadata --locked --no-deps --format-version 1 | jq -er '.packages[] | select(.name == "stevedore") | .version'; }

notes() { awk -v heading="## $1" '/^## / { on = index($0 " ", heading " ") == 1; next } on' CHANGELOG.md; }

# Wants the tags of the repository to have been fetched.
releasable() {
  local version=$1
  ! git rev-parse --quiet --verify "refs/tags/v$version" >/dev/null ||
    fail "v$version exists, and a published tag is not moved: set a new version in Cargo.toml"
  notes "$version" | grep -q . || fail "CHANGELOG.md says nothing under '## $version': write it"
}

# Whether no stable release of the same major version is newer.
is_newest() {
  local version=$1
  [[ $version != *-* ]] &&
    { git tag --list "v${version%%.*}.*" | grep -vF -- - | cat; echo "v$version"; } | sort --version-sort | tail -n 1 | grep -qxF "v$version"
}

# HEAD's branch stays as it is: only the tags lead to the binaries.
commit() {
  local version=$1 tags=("refs/tags/v$1")
  chmod 0755 dist/stevedore-linux-*
  (cd dist && sha256sum --check --strict SHA256SUMS)
  git checkout --quiet --detach
  git add --force dist
  git commit --quiet --message "Release v$version"
  git tag "v$version"
  if is_newest "$version"; then tags+=("+HEAD:refs/tags/v${version%%.*}"); fi
  git push --atomic origin "${tags[@]}"
}

version=$(version)
case ${1:-} in
  version)
    releasable "$version"
    echo "$version"
    ;;
  notes) notes "$version" ;;
  commit)
    releasable "$version"
    commit "$version"
    ;;
  *) fail "release.sh takes version, notes or commit" ;;
esac
