# Suites and their results. Sourced after lib.sh, in the second stage.
#
# Counts passed and failed tests from what each suite printed, in $scratch/counts.

passed=0
failed=0
src=$scratch/src

# Counts the results in a suite's output: those of TAP and of pg_regress before PostgreSQL 16. A test that is
# skipped, or is expected to fail, has not passed. Prints two numbers.
count_results() {
    awk '
        /^test .* \.\.\. ok /            { passed++; next }
        /^test .* \.\.\. (FAILED|failed)/ { failed++; next }
        /^ok ([0-9]+|-)( |$)/            { if (toupper($0) ~ /# *(SKIP|TODO)/) failed++; else passed++; next }
        /^not ok/ || /^1\.\.0/           { failed++ }
        END                              { print passed + 0, failed + 0 }'
}

# Runs a suite and adds its results. One that dies, or runs nothing, is a failure.
suite() {
    local title=$1 status=0 ran_passed ran_failed
    shift
    printf '\n== %s\n' "$title"
    "$@" 2>&1 | tee "$scratch/suite.log" || status=1
    read -r ran_passed ran_failed < <(count_results <"$scratch/suite.log")
    if [ "$ran_failed" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$ran_passed" -eq 0 ]; }; then
        echo "not ok - $title"
        ran_failed=1
    fi
    passed=$((passed + ran_passed))
    failed=$((failed + ran_failed))
    echo "$passed $failed" >"$scratch/counts"
    [ "$ran_failed" -eq 0 ]
}

# One test: the command succeeds and gives no warning.
builds_cleanly() {
    local name=$1
    shift
    if "$@" >"$scratch/build.log" 2>&1 && ! grep -q 'warning:' "$scratch/build.log"; then
        echo "ok - $name"
    else
        cat "$scratch/build.log"
        echo "not ok - $name"
    fi
}
