# Shared by the scripts beside it: one line per step, quiet output, one clear line on failure.
# shellcheck shell=bash
set -Eeuo pipefail
trap 'echo "error: $0 stopped at line $LINENO" >&2' ERR

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cache="${TONGQIAN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tongqian}"
log="${TONGQIAN_LOG:-$cache/log/$(basename "$0" .sh).log}"
mkdir -p "$cache" "$(dirname "$log")"

# Everything meant for people goes to standard error; standard output is for answers other scripts read.
say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# step "what it does" command...: the command's output goes to the log, whose tail is shown when it fails.
step() {
    local what="$1" began=$SECONDS
    shift
    say "$what"
    if ! "$@" >"$log" 2>&1 </dev/null; then
        tail -n 40 "$log" >&2
        say "error: failed: $what (all of its output: $log)"
        return 1
    fi
    [ $((SECONDS - began)) -lt 5 ] || say "  took $((SECONDS - began)) s"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif have sudo && sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        echo "needs root for: $*" >&2
        return 1
    fi
}

# Package lists are only fetched when an install needs them: a machine that has everything stays off the network.
apt_install() {
    have apt-get || { echo "no apt-get here to install: $*" >&2; return 1; }
    local install=(env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600
        install -y --no-install-recommends "$@")
    as_root "${install[@]}" && return 0
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 update && as_root "${install[@]}"
}

sha256() { if have sha256sum; then sha256sum; else shasum -a 256; fi | cut -d' ' -f1; }

# locked NAME: two runs must not build into one directory; the second waits for the first.
locked() {
    have flock || return 0
    exec 9>"$cache/$1.lock"
    flock -n 9 || { say "waiting for another run to finish with: $1"; flock 9; }
}
