#!/usr/bin/env bash
# Makes the interoperability tests runnable: other people's payment SDKs from npm and PyPI, at pinned versions.
source "$(dirname "$0")/common.sh"
cd "$root/end2end/interop"
locked interop

can_make_venvs() { python3 -c 'import ensurepip, venv' 2>/dev/null; }

missing=()
have node || missing+=(nodejs)
have npm || missing+=(npm)
can_make_venvs || missing+=(python3 python3-venv)
[ ${#missing[@]} = 0 ] || step "installing ${missing[*]}" apt_install "${missing[@]}" || exit 1

lock="$(sha256 <package-lock.json)"
if [ "$(cat node_modules/.installed-from 2>/dev/null)" != "$lock" ]; then
    step "installing the SDKs from npm" npm ci --no-audit --no-fund || exit 1
    printf '%s\n' "$lock" >node_modules/.installed-from
fi

# make_venv HOME REQUIREMENTS: one of them has 36 000 modules, so nothing is compiled before it is imported.
make_venv() {
    rm -rf "$1" && python3 -m venv "$1" &&
        "$1/bin/pip" install --disable-pip-version-check --no-compile --require-hashes -r "$2"
}

# The two Alipay packages for Python install files of the same names, so each has a place of its own.
for requirements in requirements*.txt; do
    home="$cache/interop/${requirements%.txt}"
    lock="$(python3 -c 'import sys; print(sys.prefix, sys.version)' | cat - "$requirements" | sha256)"
    if [ "$(cat "$home/.installed-from" 2>/dev/null)" != "$lock" ]; then
        step "installing the SDKs of $requirements from PyPI" make_venv "$home" "$requirements" || exit 1
        printf '%s\n' "$lock" >"$home/.installed-from"
    fi
done
