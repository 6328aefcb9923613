#!/usr/bin/env bash
# Runs the payment journeys through PgBouncer in transaction mode, with the settings of deploy/pgbouncer.ini. Not part of
# `make test`: it needs PgBouncer 1.21, and the package of Debian 12 is older.
#
#   scripts/pgbouncer-test.sh [PGBOUNCER] [TEST…]    without a word `pgbouncer` and every journey
source "$(dirname "$0")/common.sh"
cd "$root"

pgbouncer="$(command -v "${1:-pgbouncer}")" || die "there is no ${1:-pgbouncer}"
[ $# = 0 ] || shift
version="$("$pgbouncer" --version | sed -n 's/^PgBouncer //p')"
[ "$(printf '1.21\n%s\n' "$version" | sort -V | head -n 1)" = 1.21 ] || die "PgBouncer $version is older than 1.21"

database="$(mktemp -d /tmp/tongqian-postgres.XXXXXX)"
pooler="$(mktemp -d /tmp/tongqian-pgbouncer.XXXXXX)"
cleanup() {
    [ ! -f "$pooler/pid" ] || kill "$(cat "$pooler/pid")" || true
    "$root/scripts/postgres.sh" stop "$database"
    rm -rf "$pooler"
}
trap cleanup EXIT
url="$("$root/scripts/postgres.sh" start "$database")"
port="${url##*:}" port="${port%%/*}"
pooler_port=$((20000 + RANDOM % 12000))

# The limits that deploy/pgbouncer.ini wants of the role; the journeys make databases, and each has its pool.
psql -q "$url" -c "alter role postgres set statement_timeout = '5s'" -c "alter role postgres set lock_timeout = '2s'" \
    -c "alter role postgres set idle_in_transaction_session_timeout = '10s'"
sed -e "s/^tongqian = .*/* = host=127.0.0.1 port=$port user=postgres/; s/^listen_port = .*/listen_port = $pooler_port/" \
    -e "s/^auth_type = .*/auth_type = any/; s#^auth_file = .*#auth_file = $pooler/users#" \
    -e "s/^max_client_conn = .*/max_client_conn = 400/; s/^default_pool_size = .*/default_pool_size = 4/" \
    deploy/pgbouncer.ini >"$pooler/pgbouncer.ini"
printf 'pidfile = %s/pid\nlogfile = %s/log\nunix_socket_dir =\nserver_idle_timeout = 15\n' "$pooler" "$pooler" \
    >>"$pooler/pgbouncer.ini"
echo '"postgres" ""' >"$pooler/users"
as_pooler=(env)
if [ "$(id -u)" = 0 ]; then
    chown -R postgres "$pooler"
    as_pooler=(runuser -u postgres --)
fi
"${as_pooler[@]}" "$pgbouncer" -q -d "$pooler/pgbouncer.ini"
say "running the journeys through PgBouncer $version on port $pooler_port"
TEST_DATABASE_URL="postgres://postgres@127.0.0.1:$pooler_port/postgres" cargo test -p payments --locked --test journeys -- "$@"
