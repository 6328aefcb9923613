#!/usr/bin/env bash
# Everything that is tested, in one run. The last line is `N passed, N failed`.
#
# A phase that fails does not stop the next ones, so that one run tells all there is to know.
source "$(dirname "$0")/common.sh"
trap - ERR
set +e
cd "$root"

# A first run has nothing to build upon: incremental files would only cost it time and half of the disk.
[ -e "$root/target/debug/incremental" ] || export CARGO_INCREMENTAL=0
# Tests wait for clocks, disks and other programs more than they compute: with two of them on each core, those over HTTP
# take half the time.
export RUST_TEST_THREADS="${RUST_TEST_THREADS:-$((2 * $(getconf _NPROCESSORS_ONLN)))}"
passed=0
failed=0
complaints=()
times=()
work="$(mktemp -d "${TMPDIR:-/tmp}/tongqian-test.XXXXXX")"
# The database lives apart from our own files, because another account may have to own it.
database="$(mktemp -d /tmp/tongqian-postgres.XXXXXX)"

cleanup() {
    "$root/scripts/postgres.sh" stop "$database"
    rm -rf "$work"
}
# Without these two, an interrupted run would leave its database behind.
trap 'exit 130' INT TERM HUP
trap cleanup EXIT

complain() {
    failed=$((failed + 1))
    complaints+=("$1")
}

# phase NAME command...: says what begins, and keeps the seconds it took and its answer.
phase() {
    local name="$1" began=$SECONDS answer
    shift
    printf '\n== %s\n' "$name"
    "$@" </dev/null
    answer=$?
    times+=("$(printf '%5d s  %s' $((SECONDS - began)) "$name")")
    return $answer
}

# check NAME command...: a phase that counts as one test.
check() {
    if phase "$@"; then passed=$((passed + 1)); else complain "$1"; fi
}

sum() { awk '{ n += $1 } END { print n + 0 }'; }

# count NAME ANSWER PASSED FAILED: a runner that ended badly without naming a failure, or ran nothing, has failed too.
count() {
    passed=$((passed + $3))
    if [ "$4" -gt 0 ]; then
        failed=$((failed + $4))
        complaints+=("$1: $4 failed")
    elif [ "$2" != 0 ]; then
        complain "$1: ended with $2"
    elif [ "$3" = 0 ]; then
        complain "$1: no test ran"
    fi
}

# Nobody watches an unattended run: there, a test that hangs is ended while there is time to say so.
limited() {
    if [ -n "${CI:-}" ] && have timeout; then timeout -k 10 1800 "$@"; else "$@"; fi
}

cargo_tests() {
    TEST_DATABASE_URL="$database_url" limited cargo test --workspace --locked --no-fail-fast 2>&1 | tee "$work/cargo"
    return "${PIPESTATUS[0]}"
}

# The simulation and the crash tests want code that no other build has: crash points and planted bugs. The same packages
# with features more, so that no dependency is compiled twice.
fault_tests() {
    TEST_DATABASE_URL="$database_url" limited scripts/planted.sh --features tongqian/faults \
        --test faults --test crash 2>&1 | tee "$work/faults"
    return "${PIPESTATUS[0]}"
}

# cargo_count NAME ANSWER FILE: counts what cargo's test runners said in FILE.
cargo_count() {
    count "$1" "$2" \
        "$(sed -n 's/^test result: .* \([0-9]*\) passed; .*/\1/p' "$3" | sum)" \
        "$(sed -n 's/^test result: .* \([0-9]*\) failed; .*/\1/p' "$3" | sum)"
}

# node_tests NAME: the test files of end2end/NAME.
node_tests() {
    TONGQIAN_BIN="$server" limited node --test --test-concurrency=2 --test-timeout=300000 \
        --test-reporter=spec --test-reporter-destination=stdout \
        --test-reporter=tap --test-reporter-destination="$work/$1" \
        "end2end/$1"/*.test.mjs
}

# node_phases NAME: sets end2end/NAME up, runs it and counts its tests.
node_phases() {
    local answer
    if [ ! -x "$server" ]; then
        complain "$1 tests: there is no server to test"
    elif phase "$1 set-up" "scripts/$1.sh"; then
        phase "$1 tests" node_tests "$1"
        answer=$?
        count "$1 tests" $answer \
            "$(sed -n 's/^# pass \([0-9]*\)$/\1/p' "$work/$1" | sum)" \
            "$(sed -n 's/^# \(fail\|cancelled\) \([0-9]*\)$/\2/p' "$work/$1" | sum)"
    else
        complain "$1 set-up"
    fi
}

check format cargo fmt --all --check
check lints cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
check dependencies scripts/dependencies.sh
check "patch of the planted bugs" git apply --check payments/tests/faults/planted.patch
check "lints of the fault tests" cargo clippy --workspace --all-targets --features tongqian/faults,payments/planted --locked --quiet -- -D warnings

# This makes the debug server too, with the features the tests were compiled with, so nothing is compiled twice.
server="$root/target/debug/tongqian"
if phase build cargo test --workspace --locked --no-run --quiet; then
    database_url="$("$root/scripts/postgres.sh" start "$database" </dev/null)"
    [ -n "$database_url" ] || complain "PostgreSQL did not start"
    phase tests cargo_tests
    cargo_count tests $? "$work/cargo"
else
    complain "build"
fi

check bundle scripts/bundle.sh

node_phases browser
node_phases interop

# Last, because it puts a server with crash points where the others expect an honest one.
if [ -n "${database_url:-}" ]; then
    phase "fault tests" fault_tests
    cargo_count "fault tests" $? "$work/faults"
fi

printf '\n== seconds\n'
printf '%s\n' "${times[@]}"
for complaint in "${complaints[@]}"; do printf 'failed: %s\n' "$complaint"; done
cleanup
trap - EXIT
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
