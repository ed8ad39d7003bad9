#!/usr/bin/env bash
# The second stage of make demo: builds, starts the server, loads the calendar file and walks through the job.
# Its argument is the definitions of the file's columns; without one a calendar file is made.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# What the server refuses is part of the tour.
exec 2>&1

calendar=$scratch/calendar
columns=${1:-listing_id text, date text, available text}

client() {
    psql -X -q -v ON_ERROR_STOP=1 -d demo "$@"
}

# Tells how far the build is: in one line of a terminal, or in a line every 20 files. Argument: the builder's process id.
show_progress() {
    local total built=0 told=0
    total=$(cd "$scratch/src" && printf '%s\n' extension/*.cpp extension/*/*.cpp decoder/*.cpp | wc -l)
    while kill -0 "$1" 2>/dev/null; do
        sleep 0.3
        built=$(find "$scratch/src/extension" "$scratch/src/decoder" -name '*.o' | wc -l)
        if [ -t 1 ]; then
            printf '\rbuilding the extension and the output plugin: %s of %s files' "$built" "$total"
        elif [ $((built - told)) -ge 20 ]; then
            told=$built
            echo "building the extension and the output plugin: $built of $total files"
        fi
    done
    [ ! -t 1 ] || printf '\n'
}

echo "building the extension and the output plugin …"
copy_server
# Where compiling the common headers beforehand does not work, plain compiling does.
{ build_and_install with_llvm=no PRECOMPILE=1 || build_and_install with_llvm=no; } >"$scratch/build.log" 2>&1 &
show_progress $!
wait $! || { cat "$scratch/build.log"; exit 1; }
start_server "max_wal_size = 256MB"
createdb demo
echo "a private $(postgres --version) runs in $scratch"

[ -f "$calendar" ] || client -f "$scratch/src/test/demo/generate.sql" -o "$calendar"
zcat -f "$calendar" | client -v columns="$columns" -f "$scratch/src/test/demo/load.sql"
rm "$calendar"
cd "$scratch/src/test/demo"
client <tour.sql
stop_server
