#!/usr/bin/env bash
# make check: from a clean clone to the last test of every suite. The last line is `N passed, N failed`.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$tree/test/run/prerequisites.sh"
. "$tree/test/run/finish.sh"

# Megabytes that the run takes at its most.
room=4000
logs=$tree/build/check-logs
end_at_signals
trap finish EXIT

install_prerequisites check
make_scratch "$room"
run_unprivileged test/run/suites.sh "$(server_clang)"
