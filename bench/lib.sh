# Shared by the benchmarks: each is the second stage of bench/run, on a private server with nothing else on it.

. "$(dirname "${BASH_SOURCE[0]}")/../test/run/lib.sh"

bench=$scratch/src/bench

# Builds and installs the tree, and starts a server on which neither checkpoints nor the size of memory decide.
# Arguments: more settings.
start_bench() {
    copy_server
    build_and_install with_llvm=no
    start_server "jit = off" "shared_buffers = 1GB" "max_wal_size = 16GB" "checkpoint_timeout = 1h" "$@"
    sql -c "CREATE EXTENSION availability"
    printf '%s, %s cores, %s\n\n' "$(postgres --version)" "$(nproc)" "$(date +%F)"
}

sql() {
    psql -X -q -v ON_ERROR_STOP=1 "$@"
}

# One value.
value() {
    sql -A -t -c "$1"
}

# Milliseconds that the server takes for one statement.
milliseconds() {
    sql -c '\timing on' -c "$1" | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' | tail -n 1
}

# Reads lines `name value`, several values a name, and prints each name with the median of its values and with that
# median divided by the median of the name given.
print_medians() {
    local base=$1 unit=$2
    sort -k1,1 -k2,2g | awk -v base="$base" -v unit="$unit" '
        { if (!($1 in n)) names[++k] = $1; value[$1, ++n[$1]] = $2 }
        function median(name) { return (value[name, int((n[name] + 1) / 2)] + value[name, int(n[name] / 2) + 1]) / 2 }
        END {
            for (i = 1; i <= k; i++)
                printf "  %-28s %10.1f %s  %6.2f x\n", names[i], median(names[i]), unit, median(names[i]) / median(base)
        }'
}
