#!/usr/bin/env bash
# The second stage of make demo: builds, starts the server, loads the calendar file and walks through the job, part by part.
# Its argument is the definitions of the file's columns; without one a calendar file is made.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/tour_relay.sh"
. "$(dirname "${BASH_SOURCE[0]}")/tour_service.sh"

# What the server refuses is part of the tour.
exec 2>&1

calendar=$scratch/calendar
columns=${1:-listing_id text, date text, available text}

client() {
    psql -X -q -v ON_ERROR_STOP=1 -d demo "$@"
}

# Tells how far a build is: in one line of a terminal, or in a line every 20 files.
# Arguments: the builder's process id, what is built, of how many files, directories that its objects are in.
show_progress() {
    local pid=$1 what=$2 total=$3 built=0 told=0
    shift 3
    while kill -0 "$pid" 2>/dev/null; do
        sleep 0.3
        built=$(find "$@" -name '*.o' | wc -l)
        if [ -t 1 ]; then
            printf '\rbuilding %s: %s of %s files' "$what" "$built" "$total"
        elif [ $((built - told)) -ge 20 ]; then
            told=$built
            echo "building $what: $built of $total files"
        fi
    done
    [ ! -t 1 ] || printf '\n'
}

build_extension() {
    local pid sources
    echo "building the extension and the output plugin …"
    sources=$(cd "$scratch/src" && printf '%s\n' extension/*.cpp extension/*/*.cpp decoder/*.cpp | wc -l)
    # Where compiling the common headers beforehand does not work, plain compiling does.
    { build_and_install with_llvm=no PRECOMPILE=1 || build_and_install with_llvm=no; } >"$scratch/build.log" 2>&1 &
    pid=$!
    show_progress "$pid" "the extension and the output plugin" "$sources" "$scratch/src/extension" "$scratch/src/decoder"
    wait "$pid" || { cat "$scratch/build.log"; exit 1; }
}

tour_extension() {
    [ -f "$calendar" ] || client -f "$scratch/src/test/demo/generate.sql" -o "$calendar"
    zcat -f "$calendar" | client -v columns="$columns" -f "$scratch/src/test/demo/load.sql"
    rm "$calendar"
    (cd "$scratch/src/test/demo" && client <tour.sql)
}

# What a part has started ends with the tour, however that ends; the server is the first stage's to stop.
trap 'stop_service; stop_relay' EXIT
trap 'exit 143' HUP INT TERM

copy_server
build_extension
begin_relay_build
begin_service_build
start_server "max_wal_size = 256MB"
createdb demo
echo "a private $(postgres --version) runs in $scratch"

tour_extension
tour_relay
tour_service
stop_server
