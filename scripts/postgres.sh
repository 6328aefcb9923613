#!/usr/bin/env bash
# A throwaway PostgreSQL in a directory of its own, for tests.
#
#   scripts/postgres.sh start DIR    starts it on a free port and prints its URL
#   scripts/postgres.sh stop DIR     ends it and removes DIR
source "$(dirname "$0")/common.sh"

usage() { die "usage: $(basename "$0") start|stop DIR"; }
[ $# = 2 ] || usage
dir="$2"
case "$dir" in /*) ;; *) die "DIR must be absolute: $dir" ;; esac

find_server() {
    local found
    found="$(find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null | sort -V | tail -n 1)"
    [ -n "$found" ] || found="$(command -v initdb || true)"
    [ -z "$found" ] || dirname "$found"
}

# The server refuses to run as root, so root hands it to the account that its package makes.
as_server() {
    if [ "$(id -u)" = 0 ]; then
        (cd / && runuser -u postgres -- "$@")
    else
        "$@"
    fi
}

start_on() {
    # fsync stays on: the product refuses to run on a database that may forget what it has confirmed. Autovacuum is off: it
    # would walk through the thousand short-lived databases of a test run, again and again.
    as_server "$bin/pg_ctl" -D "$dir/data" -l "$dir/server.log" -w -t 60 \
        -o "-p $1 -c listen_addresses=127.0.0.1 -c unix_socket_directories='$dir' -c max_connections=500 -c autovacuum=off" start
}

start() {
    bin="$(find_server)"
    if [ -z "$bin" ]; then
        step "installing PostgreSQL" apt_install postgresql || exit 1
        bin="$(find_server)"
    fi
    [ -n "$bin" ] || die "no PostgreSQL server programs found"
    mkdir -p "$dir"
    [ ! -e "$dir/data" ] || die "$dir/data exists already"
    [ "$(id -u)" != 0 ] || chown postgres "$dir" || die "root needs an account named postgres to run the server"
    step "making a throwaway PostgreSQL ($("$bin/postgres" --version | sed 's/.*) //; s/ .*//'))" as_server \
        "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C --no-sync || exit 1
    local port try
    for try in 1 2 3 4 5; do
        port=$((20000 + RANDOM % 12000))
        if start_on "$port" >"$log" 2>&1 </dev/null; then
            echo "postgres://postgres@127.0.0.1:$port/postgres"
            return
        fi
    done
    cat "$log" "$dir/server.log" >&2
    die "PostgreSQL did not start in $try tries"
}

stop() {
    [ -d "$dir" ] || return 0
    [ -e "$dir/data" ] || { rmdir "$dir"; return; }
    # Nothing is removed that this script did not make.
    [ -f "$dir/data/PG_VERSION" ] || die "$dir holds no database of ours"
    bin="$(find_server)"
    as_server "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >"$log" 2>&1 </dev/null ||
        [ ! -f "$dir/data/postmaster.pid" ] || die "could not stop the server in $dir ($log)"
    rm -rf "$dir"
}

case "$1" in
    start) start ;;
    stop) stop ;;
    *) usage ;;
esac
