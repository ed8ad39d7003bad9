# Shared by make demo and make check: one temporary directory, an unprivileged user in it, a private server.
#
# Two stages. The first runs as the caller: it installs what is missing, copies the tree into the temporary
# directory and, at the end or on any failure or signal, stops every server in it and removes it. The second
# does all the work, in the copy, as a user that PostgreSQL accepts: the caller, or `postgres` for root.
#
#   $scratch      the temporary directory
#   $scratch/src  the copy of the tree, in which everything is built
#   $scratch/pg   the server's own directories under their own absolute paths, where the extension is installed;
#                 PostgreSQL finds its parts relative to its executable, so that the copy is complete

set -euo pipefail

# Each argument is a line.
fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

# --- the first stage ---------------------------------------------------------------------------------------

tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# Not empty once a signal has come.
interrupted=

# The first stage ends at a signal; what it has started gets the signal too, or ends by remove_scratch. The trap on EXIT
# speaks to the caller, even if the signal comes amid a command whose output goes elsewhere.
end_at_signals() {
    if [ -z "${caller_out:-}" ]; then
        exec {caller_out}>&1 {caller_err}>&2
        # Not that of a run which this one is a test of.
        scratch=
    fi
    trap 'end_by_signal 129' HUP
    trap 'end_by_signal 130' INT
    trap 'end_by_signal 143' TERM
}

end_by_signal() {
    interrupted=1
    exec >&"$caller_out" 2>&"$caller_err"
    exit "$1"
}

# Megabytes that are free in a directory.
free_megabytes() {
    df -Pm -- "$1" | awk 'NR == 2 { print $4 }'
}

# Makes $scratch in a directory, if all that follows can be done there; else says why not in $obstacle.
try_scratch() {
    local base=$1 needed=$2 free
    [ -d "$base" ] || { obstacle="$base is no directory"; return 1; }
    # A socket's path has at most 107 bytes, and those of the tests are longer than the directory's by 56.
    [ ${#base} -le 50 ] || { obstacle="$base is too long a path for sockets"; return 1; }
    free=$(free_megabytes "$base")
    [ "$free" -ge "$needed" ] || { obstacle="$base has $free MB free, and $needed MB are needed"; return 1; }
    scratch=$(mktemp -d "$base/availability.XXXXXX" 2>/dev/null) || { obstacle="$base can't be written"; return 1; }
    printf '#!/bin/sh\nexit 0\n' >"$scratch/probe"
    chmod +x "$scratch/probe"
    [ "$EUID" -ne 0 ] || chown -R "$user": "$scratch"
    if ! (cd / && "${unprivileged[@]}" "$scratch/probe") 2>/dev/null; then
        rm -rf "$scratch"
        scratch=
        obstacle="$base does not let ${user:-you} run programs (is it mounted with noexec?)"
        return 1
    fi
    rm "$scratch/probe"
}

# Makes $scratch and copies the tree. Argument: how many megabytes will be needed there.
make_scratch() {
    local needed=$1 base obstacle obstacles=() user=
    unprivileged=()
    if [ "$EUID" -eq 0 ]; then
        user=postgres
        id "$user" >/dev/null 2>&1 || user=nobody
        unprivileged=(setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups)
    fi
    for base in "${TMPDIR:-/tmp}" /tmp /var/tmp; do
        ! try_scratch "$base" "$needed" || break
        [[ "${obstacles[*]}" == *"$obstacle"* ]] || obstacles+=("$obstacle")
    done
    if [ -z "${scratch:-}" ]; then
        printf '%s\n' "${obstacles[@]}" "Set TMPDIR to a directory with $needed MB free in which programs may run." >&2
        exit 1
    fi
    [ ${#obstacles[@]} -eq 0 ] || printf '%s\n' "${obstacles[@]}" "using $base instead"
    mkdir "$scratch/src"
    tree_files | tar -C "$tree" --null -T - -c | tar -C "$scratch/src" --no-same-owner -x
    [ "$EUID" -ne 0 ] || chown -R "$user": "$scratch"
}

# What a full disk breaks says so in the words of whatever broke first.
tell_if_full() {
    [ -z "${scratch:-}" ] || [ "$(free_megabytes "$scratch")" -ge 20 ] ||
        echo "The disk that holds ${scratch%/*} is full: that is why this failed, or soon would have." >&2
}

# The files of the tree, without what git ignores; outside a git tree, all of them.
tree_files() {
    local file
    (cd "$tree" &&
        { git -c safe.directory="$tree" ls-files -z --cached --others --exclude-standard 2>/dev/null ||
            find . -type f -print0; }) |
        while IFS= read -r -d '' file; do
            [ ! -e "$tree/$file" ] || printf '%s\0' "$file"
        done
}

# What else of the caller's environment run_unprivileged passes on, as NAME=value.
environment=()

# Runs a script of the copy as the unprivileged user, behind end_at_signals, with nothing of the caller's environment
# but the path and `environment`. It gets a process group of its own, so that a signal reaches all of it.
run_unprivileged() {
    local status=0 child
    set -m
    "${unprivileged[@]}" env -i PATH="$PATH" TERM="${TERM:-dumb}" HOME="$scratch" TMPDIR="$scratch" \
        LC_ALL=C.UTF-8 TZ=UTC scratch="$scratch" original_pg_config="$PG_CONFIG" "${environment[@]}" \
        bash "$scratch/src/$1" "${@:2}" </dev/null {caller_out}>&- {caller_err}>&- &
    child=$!
    set +m
    trap 'interrupted=1; kill -TERM -- "-$child" 2>/dev/null' HUP INT TERM
    wait "$child" || status=$?
    # A trapped signal ends the wait early.
    while kill -0 "$child" 2>/dev/null; do
        wait "$child" || status=$?
    done
    end_at_signals
    [ -z "$interrupted" ] || end_by_signal 130
    return "$status"
}

# Stops what still runs in the temporary directory and removes it; for a trap on EXIT.
remove_scratch() {
    local pid_file data
    trap '' HUP INT TERM
    [ -n "${scratch:-}" ] || return 0
    while IFS= read -r pid_file; do
        data=${pid_file%/*}
        (cd / && "${unprivileged[@]}" "$("$PG_CONFIG" --bindir)/pg_ctl" -D "$data" -m immediate -s stop) || true
    done < <(find "$scratch" -name postmaster.pid)
    rm -rf "$scratch"
    scratch=
}

# --- the second stage --------------------------------------------------------------------------------------

# Copies the server, so that `$pg_config` and all that it names are our own.
copy_server() {
    local directories=() option
    for option in --bindir --pkglibdir --sharedir --includedir-server; do
        directories+=("$("$original_pg_config" "$option")")
    done
    mkdir "$scratch/pg"
    tar -C / -c "${directories[@]#/}" | tar -C "$scratch/pg" --no-same-owner -x
    bindir=$scratch/pg${directories[0]}
    pg_config=$bindir/pg_config
    export PATH="$bindir:$PATH"
}

# Builds the copy of the tree and installs it into the copy of the server.
build_and_install() {
    make -s -C "$scratch/src" -j "$(nproc)" PG_CONFIG="$pg_config" "$@" all &&
        make -s -C "$scratch/src" PG_CONFIG="$pg_config" "$@" install
}

# Whether the server asks for output plugins to be admitted by name.
admits_plugins() {
    postgres --describe-config | grep '^output_plugin_libraries' >/dev/null
}

# Settings that every server of the demo and of the tests has.
server_settings() {
    echo "wal_level = logical"
    ! admits_plugins || echo "output_plugin_libraries = 'pgoutput, availability_decoder'"
    printf '%s\n' "$@"
}

# Starts a server in $scratch that listens on nothing but a socket there. Arguments: more settings.
start_server() {
    initdb -D "$scratch/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 -N >"$scratch/initdb.log" ||
        { cat "$scratch/initdb.log"; return 1; }
    {
        server_settings "$@"
        echo "listen_addresses = ''"
        echo "unix_socket_directories = '$scratch'"
    } >>"$scratch/data/postgresql.conf"
    pg_ctl -D "$scratch/data" -l "$scratch/server.log" -w -s start || { cat "$scratch/server.log"; return 1; }
    export PGHOST=$scratch PGPORT=5432 PGUSER=postgres
}

stop_server() {
    pg_ctl -D "$scratch/data" -m fast -w -s stop
}
