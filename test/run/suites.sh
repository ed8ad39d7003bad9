#!/usr/bin/env bash
# The second stage of make check: builds, and runs every suite. Its argument is the clang++ of the server.
# Counts passed and failed tests from what each suite printed, in $scratch/counts.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

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

# The tree, before anything is built: what a check finds in it, and whether it still finds what is planted; and what the
# scripts say where they can't go on.
check_tree() {
    local status=0 check
    for check in includes format frozen; do
        "$src/test/run/$check" --self-test || status=1
        "$src/test/run/$check" || status=1
    done
    "$src/test/run/stumbles" || status=1
    return "$status"
}

build_with_clang() {
    cp -a "$src" "$scratch/src-clang"
    builds_cleanly "builds with ${1##*/} without a warning" \
        make -s -C "$scratch/src-clang" -j "$(nproc)" PG_CONFIG="$pg_config" CXX="$1" with_llvm=no WERROR=1 all
    rm -rf "$scratch/src-clang"
}

print_differences() {
    [ ! -f "$1" ] || head -n 500 "$1"
}

# The suites that PGXS runs, each on its own.
installcheck() {
    make -s -C "$src" PG_CONFIG="$pg_config" installcheck "$@"
}

copy_server
suite "tree" check_tree || true
suite "build with clang" build_with_clang "$1" || true
suite "build" builds_cleanly "builds with g++, bitcode too, without a warning" build_and_install WERROR=1 || exit 1
suite "core" make -s -C "$src/test/core" -j "$(nproc)" check || true
suite "fuzz" builds_cleanly "libFuzzer finds nothing in a moment" \
    make -s -C "$src/test/core" -j "$(nproc)" fuzz SECONDS=3 FUZZ_CXX="$1" || true
suite "boundary" builds_cleanly "test module builds" \
    make -s -C "$src/test/boundary" PG_CONFIG="$pg_config" WERROR=1 || true

start_server "fsync = off"
suite "regress" installcheck ISOLATION= TAP_TESTS= || print_differences "$src/regression.diffs"
suite "isolation" installcheck REGRESS= TAP_TESTS= || print_differences "$src/output_iso/regression.diffs"
stop_server

unset PGHOST PGPORT PGUSER
server_settings >"$scratch/tap.conf"
export TEMP_CONFIG=$scratch/tap.conf PERL5LIB=$src/t/lib

suite "relay build" builds_cleanly "relay builds without a warning" make -s -C "$src/relay" -j "$(nproc)" WERROR=1 all tools || true
suite "relay units" make -s -C "$src/relay" -j "$(nproc)" check || true
suite "relay" installcheck REGRESS= ISOLATION= PROVE_FLAGS=-v PROVE_TESTS='relay/t/*.pl' || true
mv "$src/tmp_check" "$src/tmp_check_relay"

export AVAILABILITY_TEST_MODULES=$src/test/boundary
suite "tap" installcheck REGRESS= ISOLATION= PROVE_FLAGS=-v || true

[ "$failed" -eq 0 ]
