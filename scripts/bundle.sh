#!/usr/bin/env bash
# Makes target/site/pkg: the browser bundle (crate `frontend`) and its compressed twins. Styles and marks are in the server.
source "$(dirname "$0")/common.sh"
cd "$root"
locked bundle

binaryen=132.0.0
site="$root/target/site"
pkg="$site/pkg"
mkdir -p "$pkg"

# hash PATH...: one word that changes when a file below any of them does.
hash() { find "$@" -type f -print0 | LC_ALL=C sort -z | xargs -0 cat -- | sha256; }

# compress FILE...: writes FILE.gz, and FILE.br where node can.
compress() {
    local file
    for file in "$@"; do gzip -9 -n -k -f "$file"; done
    if have node; then
        node -e '
            const { readFileSync, writeFileSync } = require("fs"), zlib = require("zlib");
            for (const file of process.argv.slice(1)) {
                const params = { [zlib.constants.BROTLI_PARAM_QUALITY]: 11 };
                writeFileSync(file + ".br", zlib.brotliCompressSync(readFileSync(file), { params }));
            }' "$@"
    fi
}

# Exactly the version the crates were compiled against: the tool refuses any other.
bindgen_version="$(sed -n '/^name = "wasm-bindgen"$/{n;s/^version = "\(.*\)"$/\1/p;}' Cargo.lock)"
[ -n "$bindgen_version" ] || die "Cargo.lock names no wasm-bindgen"
bindgen_home="$cache/wasm-bindgen-$bindgen_version"
bindgen="$bindgen_home/bin/wasm-bindgen"

install_bindgen() {
    # Not --locked: its lock file names versions that are no longer served everywhere.
    # Hardly optimised: it handles one small file, and compiles in half the time.
    (cd "$cache" && env -u CARGO_TARGET_DIR -u RUSTFLAGS \
        CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        cargo install wasm-bindgen-cli --version "$bindgen_version" --root "$bindgen_home")
}

binaryen_home="$cache/binaryen-$binaryen"
wasm_opt="$binaryen_home/node_modules/binaryen/bin/wasm-opt"

install_binaryen() {
    mkdir -p "$binaryen_home" &&
        npm install --prefix "$binaryen_home" --no-audit --no-fund --no-save "binaryen@$binaryen"
}

# The features are named one by one: with all of them, browsers refuse the result.
optimise() {
    node "$wasm_opt" -Oz --enable-bulk-memory --enable-nontrapping-float-to-int --enable-sign-ext \
        --enable-mutable-globals --enable-reference-types --enable-multivalue "$1" -o "$2"
}

build_bundle() {
    # Its own target directory: another compiler than the server's may be at work here.
    local out="$root/target/wasm" made="$root/target/wasm/tongqian"
    # shellcheck disable=SC2086  # `cargo +web` is two words
    step "compiling the browser part" env -u RUSTFLAGS -u CARGO_TARGET_DIR $cargo build -p frontend --locked \
        --target wasm32-unknown-unknown --profile wasm-release --target-dir "$out" || return 1
    rm -rf "$made"
    step "binding it to JavaScript" "$bindgen" --target web --no-typescript --out-name tongqian --out-dir "$made" \
        "$out/wasm32-unknown-unknown/wasm-release/frontend.wasm" || return 1
    if [ -f "$wasm_opt" ]; then
        step "shrinking it" optimise "$made/tongqian_bg.wasm" "$made/small.wasm" || return 1
        mv "$made/small.wasm" "$made/tongqian_bg.wasm"
    fi
    step "compressing it" compress "$made/tongqian.js" "$made/tongqian_bg.wasm" || return 1
    rm -rf "$pkg/snippets" "$pkg"/tongqian*.js* "$pkg"/tongqian_bg.wasm*
    cp -R "$made/." "$pkg/"
}

cargo="$("$root/scripts/wasm-toolchain.sh")" || exit 1
[ -x "$bindgen" ] || step "installing wasm-bindgen $bindgen_version (about two minutes)" install_bindgen || exit 1
if [ ! -f "$wasm_opt" ]; then
    if have npm; then
        step "installing wasm-opt $binaryen" install_binaryen || say "going on without wasm-opt: the bundle is larger"
    else
        say "no npm here, so no wasm-opt: the bundle is larger"
    fi
fi

built_from="$cargo $([ -f "$wasm_opt" ] && echo small) $(hash Cargo.toml Cargo.lock scripts/bundle.sh app frontend domain)"
stamp="$root/target/wasm/.built-from"
if [ -f "$pkg/tongqian_bg.wasm" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$built_from" ]; then
    say "the bundle is up to date"
    exit 0
fi
build_bundle || exit 1
# Cargo looks at it again: the next build of the server takes the bundle in.
touch -c build.rs
mkdir -p "$(dirname "$stamp")"
printf '%s\n' "$built_from" >"$stamp"
say "bundle: $(wc -c <"$pkg/tongqian_bg.wasm") bytes of wasm, $(wc -c <"$pkg/tongqian_bg.wasm.gz") gzipped$(
    [ ! -f "$pkg/tongqian_bg.wasm.br" ] || printf ', %s brotli' "$(wc -c <"$pkg/tongqian_bg.wasm.br")")"
