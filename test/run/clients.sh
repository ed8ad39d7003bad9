#!/usr/bin/env bash
# make check-clients: the drivers, ORMs and poolers of docs/clients.md against a private server. They come from PyPI,
# npm, Go's module proxy and Maven Central into the temporary directory, and go with it. The last line is `N passed, N
# failed`.

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$tree/test/run/prerequisites.sh"
. "$tree/test/run/finish.sh"

# Megabytes that the run takes at its most.
room=3000
logs=$tree/build/check-clients-logs
end_at_signals
trap finish EXIT

# How the caller reaches the registries.
while IFS= read -r -d '' variable; do
    case $variable in
        http_proxy=* | https_proxy=* | no_proxy=* | HTTP_PROXY=* | HTTPS_PROXY=* | NO_PROXY=* | SSL_CERT_FILE=* | \
            SSL_CERT_DIR=* | NODE_EXTRA_CA_CERTS=* | PIP_INDEX_URL=* | PIP_CERT=* | npm_config_registry=* | GOPROXY=* | \
            GOSUMDB=* | MAVEN_OPTS=* | JAVA_HOME=*)
            environment+=("$variable")
            ;;
    esac
done < <(env -0)

install_prerequisites clients
make_scratch "$room"
run_unprivileged test/clients/suites.sh
