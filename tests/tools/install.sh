# shellcheck shell=bash
# Installs what the tests need and the machine lacks. For Debian and Ubuntu; sourced by ./test.
# Elsewhere, install by hand what it names: it looks for programs, not for packages.

# The least version of Node.js that the page's tests run on.
NODE_MIN=20.19
# What stands in for Amazon Kinesis, from PyPI: of its servers no more than that one needs.
MOTO=('moto==5.2.5' 'flask>=3,<4' 'flask-cors>=6,<7')
# What is taken from the npm registry where the system's own is older.
NODE_FROM_NPM=22

# install_tools MODE: sees to everything that the mode needs. Prints one line for each thing it installs.
install_tools() {
  local packages=()
  need_cargo || return 1
  command -v cc >/dev/null || packages+=(gcc libc6-dev)
  command -v make >/dev/null || packages+=(make)
  if [ "$1" != quick ]; then
    find_postgres || packages+=(postgresql)
    command -v redis-server >/dev/null || packages+=(redis-server)
    command -v redis-sentinel >/dev/null || packages+=(redis-sentinel)
    command -v openssl >/dev/null || packages+=(openssl)
    command -v curl >/dev/null || packages+=(curl)
    command -v jq >/dev/null || packages+=(jq)
    python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3 python3-venv)
    find_chromium >/dev/null || packages+=(chromium)
    if ! new_enough_node || ! command -v npm >/dev/null; then
      command -v npm >/dev/null || packages+=(nodejs npm)
    fi
  fi
  if [ "${#packages[@]}" -gt 0 ]; then apt_install "${packages[@]}" || return 1; fi
  [ "$1" = quick ] && return 0
  new_enough_node || node_from_npm || return 1
  if [ "$1" = long ]; then moto_into_target || return 1; fi
  find_postgres || { echo 'PostgreSQL (initdb) was not found' >&2; return 1; }
  command -v redis-server >/dev/null || { echo 'redis-server was not found' >&2; return 1; }
  BIDHUB_CHROMIUM=$(find_chromium) || { echo 'no Chromium was found; BIDHUB_CHROMIUM may name one' >&2; return 1; }
  export BIDHUB_CHROMIUM
}

need_cargo() {
  if ! command -v cargo >/dev/null; then
    # rustup writes no path for shells that are not asked to log in.
    export PATH="$HOME/.cargo/bin:$PATH"
    command -v cargo >/dev/null || { echo 'cargo is not there: install Rust first, https://rustup.rs' >&2; return 1; }
  fi
  if ! cargo fmt --version >/dev/null 2>&1 || ! cargo clippy --version >/dev/null 2>&1; then
    echo 'installing rustfmt and clippy'
    rustup component add rustfmt clippy
  fi
}

apt_install() {
  local as_root=() recommends=--no-install-recommends
  command -v apt-get >/dev/null || { echo "please install: $*" >&2; return 1; }
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "please install as root: apt-get install $*" >&2; return 1; }
    as_root=(sudo)
  fi
  echo "installing $*"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $recommends "$@"
}

find_postgres() {
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
}

find_chromium() {
  local name
  if [ -n "${BIDHUB_CHROMIUM:-}" ]; then echo "$BIDHUB_CHROMIUM"; return; fi
  for name in chromium google-chrome-stable google-chrome chrome; do
    command -v "$name" && return
  done
  return 1
}

new_enough_node() {
  local version
  version=$(node --version 2>/dev/null) || return 1
  [ "$(printf '%s\n' "$NODE_MIN" "${version#v}" | sort -V | head -n 1)" = "$NODE_MIN" ]
}

# Debian 12 has Node.js 18, but npm too: by it a newer one comes into target/, and the system stays as it is.
node_from_npm() {
  local cpu dir=$PWD/target/tools
  case $(uname -m) in
    x86_64) cpu=x64 ;;
    aarch64) cpu=arm64 ;;
    *) echo "install Node.js $NODE_MIN or newer" >&2; return 1 ;;
  esac
  local package=node-linux-$cpu
  export PATH="$dir/node_modules/$package/bin:$PATH"
  if ! new_enough_node; then
    echo "installing Node.js $NODE_FROM_NPM into target/tools"
    mkdir -p "$dir" && npm install --no-save --prefix "$dir" "$package@$NODE_FROM_NPM" || return 1
    hash -r
  fi
  new_enough_node
}

# A server that answers as Kinesis does, in an environment of its own below target/.
moto_into_target() {
  local dir=$PWD/target/tools/moto
  [ -x "$dir/bin/moto_server" ] && return
  echo 'installing moto into target/tools'
  python3 -m venv "$dir" && "$dir/bin/pip" install --quiet --disable-pip-version-check "${MOTO[@]}"
}
