#!/usr/bin/env bash
# Makes sure something here compiles to wasm32, and prints which cargo does: `cargo` or `cargo +web`.
#
# An ordinary machine needs one `rustup target add`. Where that download is refused, Debian's packages bring a compiler
# and the source of its standard library, which is then built once.
source "$(dirname "$0")/common.sh"

target=wasm32-unknown-unknown
sysroot=/usr/lib/rustlib

has_target() { rustup target list --installed 2>/dev/null | grep -qx "$target"; }
web_works() { rustup run web rustc --version >/dev/null 2>&1; }

# The standard library fits exactly one compiler: after an upgrade of the packages it is built again.
stamp="$sysroot/$target/lib/.built-for"
std_is_built() { [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(/usr/bin/rustc -vV 2>/dev/null)" ]; }

install_compiler() {
    # Compiler and source must be of one version, so they are always installed together.
    apt_install rustc-web cargo-web rust-web-src
}

install_linker() {
    local newest
    newest="$(apt-cache search --names-only '^lld-[0-9]+$' | cut -d' ' -f1 | sort -V | tail -n 1)"
    [ -n "$newest" ] || { echo "no lld package on offer"; return 1; }
    apt_install "$newest"
}

newest_lld() { find /usr/bin -name 'lld-[0-9]*' 2>/dev/null | sort -V | tail -n 1; }

build_std() {
    local work
    work="$(mktemp -d)"
    # shellcheck disable=SC2064
    trap "rm -rf '$work'" RETURN
    mkdir -p "$work/src"
    : >"$work/src/lib.rs"
    printf '[package]\nname = "empty"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n' >"$work/Cargo.toml"
    # Without the bitcode a later `lto = true` fails with "Can't find section .llvmbc".
    (cd "$work" && env -u CARGO -u RUSTUP_TOOLCHAIN -u CARGO_TARGET_DIR -u RUSTC_WRAPPER \
        RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc RUSTFLAGS=-Cembed-bitcode=yes \
        /usr/bin/cargo build --release --target "$target" -Z build-std=std,panic_abort,proc_macro) || return 1
    /usr/bin/rustc -vV >"$work/built-for"
    as_root mkdir -p "$(dirname "$stamp")" &&
        as_root find "$(dirname "$stamp")" -name '*.rlib' -delete &&
        as_root cp "$work/target/$target/release/deps/"*.rlib "$(dirname "$stamp")/" &&
        as_root cp "$work/built-for" "$stamp"
}

link_linker() {
    local host
    host="$(/usr/bin/rustc -vV | sed -n 's/^host: //p')"
    as_root mkdir -p "$sysroot/$host/bin" && as_root ln -sfn "$(newest_lld)" "$sysroot/$host/bin/rust-lld"
}

linker_is_linked() { find "$sysroot" -path '*/bin/rust-lld' -exec test -x {} \; -print 2>/dev/null | grep -q .; }

have rustup || {
    # A Rust without rustup may bring the target itself, as some distributions' do.
    have cargo && [ -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ] && { echo cargo; exit 0; }
    die "no wasm32 tool chain: install rustup, or your distribution's standard library for $target"
}
has_target && { echo cargo; exit 0; }

locked toolchain
if ! { std_is_built && linker_is_linked && web_works; }; then
    say "adding the $target target"
    if timeout 300 env RUSTUP_MAX_RETRIES=1 rustup target add "$target" >"$log" 2>&1 </dev/null && has_target; then
        echo cargo
        exit 0
    fi
    have apt-get || die "no wasm32 tool chain: 'rustup target add $target' failed ($log) and there is no apt-get to fall back on"
    say "that download is refused here; taking Debian's compiler instead"
    dpkg -s rustc-web cargo-web rust-web-src >/dev/null 2>&1 ||
        step "installing rustc-web, cargo-web and the standard library's source" install_compiler || exit 1
    [ -n "$(newest_lld)" ] || step "installing the newest lld" install_linker || exit 1
    std_is_built || step "building the standard library for $target (about a minute)" build_std || exit 1
    linker_is_linked || step "giving the compiler its linker" link_linker || exit 1
    web_works || step "naming that compiler 'web' for rustup" rustup toolchain link web /usr || exit 1
fi
echo "cargo +web"
