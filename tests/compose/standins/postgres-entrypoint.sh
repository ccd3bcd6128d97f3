#!/bin/bash
# What the official image's entry point does: the data folder is given to the user postgres, who goes on; an empty one is
# filled by initdb with POSTGRES_INITDB_ARGS and the superuser's password; what lies in /docker-entrypoint-initdb.d runs
# against a server that listens on its socket alone; then the server is started.
set -Eeo pipefail

[ "$1" = postgres ] || exec "$@"
if [ "$(id -u)" = 0 ]; then
    install -d -o postgres -g postgres -m 0700 "$(dirname "$PGDATA")" "$PGDATA"
    exec setpriv --reuid postgres --regid postgres --clear-groups "$0" "$@"
fi
: "${POSTGRES_USER:=postgres}"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    [ -n "$POSTGRES_PASSWORD" ] || { echo "Error: POSTGRES_PASSWORD is not set" >&2; exit 1; }
    # Word splitting is meant: it is a list of options, as in the official image.
    # As in the official image, which listens for everybody; the wheel's clients look for the socket in /tmp, too.
    initdb --set listen_addresses='*' --set unix_socket_directories=/var/run/postgresql,/tmp --pgdata "$PGDATA" --username "$POSTGRES_USER" $POSTGRES_INITDB_ARGS \
        --pwfile <(printf '%s\n' "$POSTGRES_PASSWORD")
    printf '\nhost all all all %s\n' scram-sha-256 >>"$PGDATA/pg_hba.conf"
    PGUSER=$POSTGRES_USER pg_ctl --pgdata "$PGDATA" --options "-c listen_addresses=''" --wait start
    export PGHOST=/var/run/postgresql PGPASSWORD=$POSTGRES_PASSWORD POSTGRES_USER
    for script in /docker-entrypoint-initdb.d/*.sh; do
        if [ -x "$script" ]; then "$script"; else . "$script"; fi
    done
    unset PGHOST PGPASSWORD
    pg_ctl --pgdata "$PGDATA" --mode fast --wait stop
    echo "PostgreSQL init process complete; ready for start up."
fi
exec "$@"
