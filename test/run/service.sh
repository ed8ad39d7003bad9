#!/usr/bin/env bash
# make service: installs what the service is built with, and builds it where it is.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$tree/test/run/prerequisites.sh"

install_prerequisites service
make -s -C "$tree/service" -j "$(nproc)"
echo "built service/build/availability-service"
