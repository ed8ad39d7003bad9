# How a run of suites ends. Sourced after lib.sh, in the first stage, by a script that sets `logs`, the directory for
# what failed, and traps finish on EXIT.

# What failed is worth reading after the temporary directory has gone.
keep_logs() {
    local file
    rm -rf "$logs"
    for file in server.log suite.log build.log src/regression.diffs src/output_iso src/tmp_check/log src/tmp_check_relay/log src/tmp_check_service/log clients/logs; do
        [ -s "$scratch/$file" ] || continue
        mkdir -p "$logs"
        cp -rT "$scratch/$file" "$logs/${file//\//_}"
    done
    [ ! -d "$logs" ] || echo "logs: $logs"
}

# Whatever ends the run, the counts are told: those of the suites that ended, and a failure if it was not the
# last one that did. A run that was interrupted has failed too, but nothing in it need have.
finish() {
    local status=$? passed=0 failed=0
    trap '' HUP INT TERM
    if [ -n "${scratch:-}" ]; then
        [ ! -f "$scratch/counts" ] || read -r passed failed <"$scratch/counts"
        [ "$status" -eq 0 ] || [ -n "$interrupted" ] || { tell_if_full; keep_logs || true; }
        remove_scratch
    fi
    if [ -n "$interrupted" ]; then
        echo "interrupted: $passed passed, $failed failed"
        exit "$status"
    fi
    [ "$status" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
    echo "$passed passed, $failed failed"
    exit "$status"
}
