#!/usr/bin/env bash
# make check: from a clean clone to the last test of every suite. The last line is `N passed, N failed`.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$tree/test/run/prerequisites.sh"

# What failed is worth reading after the temporary directory has gone.
keep_logs() {
    local logs=$tree/build/check-logs file
    rm -rf "$logs"
    mkdir -p "$logs"
    for file in server.log src/regression.diffs src/output_iso src/tmp_check/log src/tmp_check_relay/log; do
        [ ! -e "$scratch/$file" ] || cp -rT "$scratch/$file" "$logs/${file//\//_}"
    done
    echo "logs: $logs"
}

# Whatever ends the run, the counts are told: those of the suites that ended, and a failure if it was not the
# last one that did.
finish() {
    local status=$? passed=0 failed=0
    if [ -n "${scratch:-}" ]; then
        [ ! -f "$scratch/counts" ] || read -r passed failed <"$scratch/counts"
        [ "$status" -eq 0 ] || keep_logs
        remove_scratch
    fi
    [ "$status" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
    echo "$passed passed, $failed failed"
    exit "$status"
}
trap finish EXIT

install_prerequisites check
make_scratch
run_unprivileged test/run/suites.sh "$(server_clang)"
