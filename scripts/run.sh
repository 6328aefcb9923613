#!/usr/bin/env bash
# From a fresh clone to a running server with its simulator: browser bundle, release build, server in the foreground.
source "$(dirname "$0")/common.sh"
cd "$root"

scripts/bundle.sh </dev/null || say "going on without the browser bundle: every page works without it, with plain forms"
say "building the server (several minutes the first time)"
cargo build --release --locked --quiet
exec target/release/tongqian serve
