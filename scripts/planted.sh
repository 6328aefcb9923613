#!/usr/bin/env bash
# Planted bugs: mistakes that were really made somewhere, as one patch, so that no line of the product knows them. Applies it
# to a copy of the tracked files and runs the tests that must find each, or the tests that the arguments name to `cargo test`.
# A bug that no test wakes does nothing.
#
# When the code around a bug has changed, the patch no longer applies: apply it with `git apply --reject`, mend what is left,
# and write it again with `git diff`.
source "$(dirname "$0")/common.sh"
cd "$root"

copy="$root/target/planted"
rm -rf "$copy"
mkdir -p "$copy"
# With their times, so that cargo compiles again only what the patch has changed.
git ls-files -z --cached --others --exclude-standard |
    while IFS= read -r -d '' file; do [ ! -f "$file" ] || printf '%s\0' "$file"; done |
    xargs -0 cp --parents --preserve=timestamps --target-directory="$copy"
cd "$copy"
# Outside of a repository, or git would leave out paths that it ignores.
GIT_CEILING_DIRECTORIES="$root/target" git apply payments/tests/faults/planted.patch
[ $# != 0 ] || set -- --test faults planted::
CARGO_TARGET_DIR="$root/target" cargo test --workspace --locked --no-fail-fast --features payments/planted "$@" -- --nocapture
