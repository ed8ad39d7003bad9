#!/usr/bin/env bash
# Events a second that the relay's sinks write, from batches in memory: to one Redis, to a Redis Cluster, to librdkafka's mock cluster; the CPU
# that an event costs the relay and Redis, and what a listing takes of Redis's memory.

. "$(dirname "${BASH_SOURCE[0]}")/../test/run/lib.sh"

listings=100000
events=300000
masters=4
relay=$scratch/src/relay
pids=()

stop_servers() {
    [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
    wait
    pids=()
}
trap stop_servers EXIT

make -s -C "$relay" -j "$(nproc)" build/librelay.a
for name in redis_sink kafka_sink; do
    g++ -std=c++17 -O2 -DBOOST_ASIO_NO_DEPRECATED -I"$scratch/src" "$scratch/src/bench/$name.cpp" "$relay/build/librelay.a" -o "$scratch/$name" \
        -lroaring -lhiredis -lrdkafka -lssl -lcrypto -lpq -lprometheus-cpp-core -lspdlog -lfmt -pthread
done

# Arguments: a socket, more options of redis-server.
start_redis() {
    local socket=$1
    shift
    redis-server --unixsocket "$socket" --save '' --dir "$scratch" --logfile '' "$@" >/dev/null &
    pids+=($!)
    until redis-cli -s "$socket" ping >/dev/null 2>&1; do sleep 0.05; done
}

# A number out of INFO, summed over names.
info_of() {
    local socket=$1 names=$2
    redis-cli -s "$socket" info all | tr -d '\r' | awk -F: -v names="^($names)$" '$1 ~ names { sum += $2 } END { print sum }'
}

echo "$(redis-server --version | cut -d' ' -f3), $(nproc) cores, $(date +%F)"
for layout in calendar months; do
    socket=$scratch/redis.$layout
    start_redis "$socket" --port 0
    echo "one Redis, $layout"
    memory=$(info_of "$socket" used_memory)
    "$scratch/redis_sink" "unix:$socket" single "$layout" "$listings" 1 >/dev/null
    echo "  bytes a listing: $((($(info_of "$socket" used_memory) - memory) / listings))"
    loaded=$(info_of "$socket" 'used_cpu_user|used_cpu_sys')
    "$scratch/redis_sink" "unix:$socket" single "$layout" "$listings" 1 >/dev/null
    before=$(info_of "$socket" 'used_cpu_user|used_cpu_sys')
    "$scratch/redis_sink" "unix:$socket" single "$layout" "$listings" "$events" | sed 's/^/  /'
    after=$(info_of "$socket" 'used_cpu_user|used_cpu_sys')
    awk -v loaded="$loaded" -v before="$before" -v after="$after" -v events="$events" \
        'BEGIN { printf "  %.2f us of the CPU of Redis an event\n", (after - before - (before - loaded)) * 1e6 / events }'
    stop_servers
done

nodes=()
for ((i = 0; i < masters; i++)); do
    port=$((25200 + i))
    mkdir "$scratch/node$i"
    start_redis "$scratch/node$i/socket" --port "$port" --cluster-port $((port + 100)) --bind 127.0.0.1 --cluster-enabled yes --dir "$scratch/node$i"
    nodes+=("127.0.0.1:$port")
done
redis-cli --cluster create "${nodes[@]}" --cluster-yes >/dev/null
until [ "$(redis-cli -s "$scratch/node0/socket" cluster info | grep -c cluster_state:ok)" = 1 ]; do sleep 0.1; done
for layout in calendar months; do
    echo "a Cluster of $masters masters, $layout"
    for ((i = 0; i < masters; i++)); do redis-cli -s "$scratch/node$i/socket" flushall >/dev/null; done
    "$scratch/redis_sink" "${nodes[0]}" cluster "$layout" "$listings" "$events" | sed 's/^/  /'
done
stop_servers

for format in json protobuf; do
    echo "librdkafka's mock cluster, $format"
    "$scratch/kafka_sink" "$format" "$events" 2>/dev/null | sed 's/^/  /'
done
