#!/usr/bin/env bash
# pgxs.sh PG_CONFIG: prints the path of the server's PGXS makefile, or, instead, what is missing and which package brings it.

oldest_server=15

pg_config=$1
packages="Debian and Ubuntu: apt-get install postgresql-server-dev-all; make demo and make check install it themselves"

if ! command -v "$pg_config" >/dev/null; then
    echo "PG_CONFIG is $pg_config, and there is no such program. It comes with the server's headers ($packages)"
    exit
fi
version=$("$pg_config" --version 2>&1)
major=$(sed -n 's/^PostgreSQL \([0-9][0-9]*\).*/\1/p' <<<"$version")
if [ -z "$major" ]; then
    echo "PG_CONFIG is $pg_config, which is not PostgreSQL's pg_config: asked for its version, it says '${version%%$'\n'*}'"
    exit
fi
if [ "$major" -lt "$oldest_server" ]; then
    echo "PG_CONFIG is $pg_config, of PostgreSQL $major: availability needs $oldest_server or newer"
    exit
fi
pgxs=$("$pg_config" --pgxs)
if [ ! -f "$pgxs" ] || [ ! -f "$("$pg_config" --includedir-server)/postgres.h" ]; then
    echo "PG_CONFIG is $pg_config, of PostgreSQL $major, whose server headers are not there" \
        "(Debian and Ubuntu: apt-get install postgresql-server-dev-$major)"
    exit
fi
echo "$pgxs"
