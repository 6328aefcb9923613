#!/usr/bin/env bash
# Makes the browser tests runnable: a Chromium, a font with Chinese characters, and the test's npm packages.
source "$(dirname "$0")/common.sh"
cd "$root/end2end/browser"
locked browser

have_cjk_font() { have fc-list && [ -n "$(fc-list :lang=zh-cn family 2>/dev/null)" ]; }

missing=()
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || missing+=(chromium)
have_cjk_font || missing+=(fonts-noto-cjk fontconfig)
have node || missing+=(nodejs)
have npm || missing+=(npm)
[ ${#missing[@]} = 0 ] || step "installing ${missing[*]}" apt_install "${missing[@]}" || exit 1
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || die "no browser at ${CHROMIUM:-/usr/bin/chromium}; set CHROMIUM to one"

lock="$(sha256 <package-lock.json)"
if [ "$(cat node_modules/.installed-from 2>/dev/null)" != "$lock" ]; then
    step "installing the browser tests' packages" npm ci --no-audit --no-fund || exit 1
    printf '%s\n' "$lock" >node_modules/.installed-from
fi
