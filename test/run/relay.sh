#!/usr/bin/env bash
# make relay: installs what the relay is built with, and builds it where it is.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$tree/test/run/prerequisites.sh"

install_prerequisites relay
make -s -C "$tree/relay" -j "$(nproc)"
echo "built relay/build/availability-relay"
