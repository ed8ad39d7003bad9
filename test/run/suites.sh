#!/usr/bin/env bash
# The second stage of make check: builds, and runs every suite. Its argument is the clang++ of the server.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/suite.sh"

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
    builds_cleanly "the relay has no warning by ${1##*/}" \
        make -s -C "$scratch/src-clang/relay" -j "$(nproc)" CXX="$1" WERROR=1 syntax
    rm -rf "$scratch/src-clang"
}

print_differences() {
    [ ! -f "$1" ] || head -n 500 "$1"
}

# The suites that PGXS runs, each on its own.
installcheck() {
    make -s -C "$src" PG_CONFIG="$pg_config" installcheck "$@"
}

# The page needs a browser, which not every distribution has as a package.
service_tests() {
    cd "$src"
    command -v chromium >/dev/null || echo "going on without chromium: the front page is not tested" >&2
    printf '%s\n' service/t/*.pl | { command -v chromium >/dev/null && cat || grep -v page; } | tr '\n' ' '
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

# With spans where their library is, and service/t/060_traces.pl tests what was built.
otel=$([ ! -e /usr/include/opentelemetry/version.h ] || echo 1)
suite "service build" builds_cleanly "service builds without a warning" \
    make -s -C "$src/service" -j "$(nproc)" WERROR=1 OTEL="$otel" all tools || true
suite "service units" make -s -C "$src/service" -j "$(nproc)" check || true
suite "service" installcheck REGRESS= ISOLATION= PROVE_FLAGS=-v PROVE_TESTS="$(service_tests)" || true
mv "$src/tmp_check" "$src/tmp_check_service"

export AVAILABILITY_TEST_MODULES=$src/test/boundary
suite "tap" installcheck REGRESS= ISOLATION= PROVE_FLAGS=-v || true

[ "$failed" -eq 0 ]
