#!/usr/bin/env bash
# Writes the list of everything the program is made of (CycloneDX, JSON): scripts/sbom.sh [FILE], by default target/tongqian.cdx.json.
#
# cargo-cyclonedx is built into the tool cache when it is not there.
source "$(dirname "$0")/common.sh"
cd "$root"

version=0.5.9
tools="$cache/cargo-cyclonedx-$version"
file="${1:-target/tongqian.cdx.json}"

if have cargo-cyclonedx; then
    tool=cargo-cyclonedx
else
    tool="$tools/bin/cargo-cyclonedx"
    [ -x "$tool" ] || step "building cargo-cyclonedx (a few minutes, once)" \
        cargo install --locked --quiet --root "$tools" --version "$version" cargo-cyclonedx
fi

# It writes a file beside each manifest of the workspace; the one of the program names all that is linked into it.
step "listing the parts of the program" "$tool" cyclonedx --format json --spec-version 1.5 --override-filename tongqian.cdx --target all
mkdir -p "$(dirname "$file")"
mv tongqian.cdx.json "$file"
find . -path ./target -prune -o -name 'tongqian.cdx.json' -exec rm {} +
say "wrote $file"
