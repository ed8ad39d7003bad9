#!/usr/bin/env bash
# The second stage of make check-clients. Each client has a folder in $scratch/clients, and a database of its own.

. "$(dirname "${BASH_SOURCE[0]}")/../run/lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../run/suite.sh"

clients=$src/test/clients
work=$scratch/clients
mkdir -p "$work/logs" "$work/go/v1" "$work/java" "$work/node"

# --- what comes from the registries, while the extension is being built -------------------------------------------

fetch_python() {
    /usr/bin/python3 -m venv "$work/python" &&
        timeout 150 "$work/python/bin/pip" install -q --disable-pip-version-check \
            -r "$clients/python/requirements.txt" &&
        protoc -I "$src/decoder" --python_out="$work" event.proto
}

fetch_node() {
    cp "$clients"/node/* "$src"/docs/clients/*.mjs "$src"/decoder/examples/*.mjs "$src/decoder/event.proto" \
        "$work/node/" &&
        cd "$work/node" && timeout 150 npm install --ignore-scripts --no-audit --no-fund --no-update-notifier \
            --loglevel=error --fetch-retries=1 --fetch-retry-maxtimeout=10000
}

# Go 1.19 does not know all of these.
export GOPATH=$work/go-path GOTOOLCHAIN=local GOFLAGS=-modcacherw

fetch_go() {
    cp -r "$clients"/go/. "$work/go/" && cp "$src"/decoder/examples/*.go "$work/go/" && mkdir -p "$work/go/dayset" &&
        cp "$src"/docs/clients/*.go "$work/go/dayset/" &&
        (cd "$work/go" && timeout 150 go mod download && go install google.golang.org/protobuf/cmd/protoc-gen-go)
}

fetch_java() {
    cp "$clients/java/pom.xml" "$work/java/" &&
        timeout 150 mvn -q -B -f "$work/java/pom.xml" -Dmaven.repo.local="$work/maven" \
            dependency:copy-dependencies -DoutputDirectory="$work/java/lib"
}

# Twice, if need be: what a registry did not give in time it may give now.
fetch() {
    local attempt
    for attempt in 1 2; do
        if ("fetch_$1") >"$work/logs/fetch_$1" 2>&1; then
            touch "$work/$1.fetched"
            return
        fi
    done
}

# One test for each registry.
fetched() {
    if [ -f "$work/$1.fetched" ]; then
        echo "ok - packages come from $2"
    else
        cat "$work/logs/fetch_$1"
        echo "$2 is out of reach, or has not what the clients need: their tests fail"
        echo "not ok - packages come from $2"
    fi
}

# --- building -----------------------------------------------------------------------------------------------------

build_go() {
    protoc -I "$src/decoder" --plugin="$GOPATH/bin/protoc-gen-go" --go_out="$work/go" \
        --go_opt=module=availability event.proto &&
        (cd "$work/go" && go build -o consumer . && go build -o clients/clients ./clients)
}

build_java() {
    protoc -I "$src/decoder" --java_out="$work/java" event.proto &&
        javac -nowarn -d "$work/java/classes" -cp "$work/java/lib/*" "$src/decoder/examples/Consumer.java" \
            "$src"/docs/clients/*.java "$clients"/java/*.java "$work"/java/availability/v1/*.java
}

# A server on a port of the loopback address too, since not every driver knows Unix sockets.
start_client_server() {
    port=$(/usr/bin/python3 -c '
import socket
probe = socket.socket()
probe.bind(("127.0.0.1", 0))
print(probe.getsockname()[1])')
    start_server "fsync = off" "max_replication_slots = 40" "max_wal_senders = 40" "max_prepared_transactions = 10" ||
        return
    printf '%s\n' "listen_addresses = '127.0.0.1'" "port = $port" >>"$scratch/data/postgresql.conf"
    pg_ctl -D "$scratch/data" -l "$scratch/server.log" -w -s restart -m fast || return
    export PGPORT=$port CLIENTS_PORT=$port CLIENTS_WORK=$work CLIENTS_SOURCE=$src
}

python_test() {
    PYTHONPATH=$src/docs/clients:$work:$clients/python "$work/python/bin/python" "$clients/python/$1.py"
}

fetchers=()
for client in python node go java; do
    fetch "$client" &
    fetchers+=($!)
done
copy_server
suite "build" builds_cleanly "builds without a warning" build_and_install with_llvm=no WERROR=1 || exit 1
wait "${fetchers[@]}"
suite "PyPI" fetched python PyPI || true
suite "npm" fetched node npm || true
suite "Go" fetched go "Go's module proxy" || true
suite "Maven" fetched java "Maven Central" || true
suite "build for Go" builds_cleanly "consumer.go, dayset.go and the tests build" build_go || true
suite "build for Java" builds_cleanly "Consumer.java, the types and the tests build" build_java || true

start_client_server
suite "consumers" python_test consumers || true
suite "Python drivers" python_test drivers || true
suite "SQLAlchemy and Alembic" python_test alembic_migrations || true
suite "Django" python_test django_migrations || true
suite "PgBouncer" python_test pgbouncer || true
suite "Node" node "$work/node/clients.mjs" || true
suite "Go" "$work/go/clients/clients" || true
suite "Java" java -cp "$work/java/classes:$work/java/lib/*" Clients || true
stop_server

[ "$failed" -eq 0 ]
