#!/bin/sh
# SPDX-License-Identifier: MIT
#
# tests/postgres.sh COMMAND...: runs the command with a throw-away PostgreSQL on a socket in a temporary directory, its
# address in SLUICE_TEST_POSTGRES (a libpq URL), and removes everything afterwards.  Without PostgreSQL's programs the
# command runs with the variable unset.
set -eu

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
[ -n "$bin" ] || bin=$(dirname "$(command -v initdb 2>/dev/null || echo /none/initdb)")
if [ ! -x "$bin/initdb" ]; then
    echo "no PostgreSQL here: its tests are skipped" >&2
    exec "$@"
fi

dir=$(mktemp -d "${TMPDIR:-/tmp}/sluice-pg.XXXXXX")

# PostgreSQL refuses to run as root: its own user does it then.
as_owner() {
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid=postgres --regid=postgres --clear-groups env -C "$dir" HOME="$dir" "$@"
    else
        env -C "$dir" "$@"
    fi
}
stop() {
    status=$?
    trap - EXIT INT TERM
    as_owner "$bin/pg_ctl" -D "$dir/db" -m immediate stop >/dev/null 2>&1 || true
    rm -rf "$dir"
    exit $status
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [ "$(id -u)" = 0 ]; then
    chown postgres "$dir"
    chmod 0755 "$dir"
fi
as_owner "$bin/initdb" -D "$dir/db" -U sluice -A trust -E UTF8 --locale=C >"$dir/log" 2>&1 || {
    cat "$dir/log" >&2
    exit 1
}
# Durability is PostgreSQL's business, not what these tests measure: fsync off makes them fast.
as_owner "$bin/pg_ctl" -D "$dir/db" -w -t 30 -l "$dir/server.log" \
    -o "-c listen_addresses= -c unix_socket_directories=$dir -c fsync=off -c max_connections=100" start >/dev/null || {
    cat "$dir/server.log" >&2
    exit 1
}
as_owner "$bin/createdb" -h "$dir" -U sluice sluice

SLUICE_TEST_POSTGRES="postgres://sluice@/sluice?host=$dir"
export SLUICE_TEST_POSTGRES
"$@"
