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

make -s -C "$relay" -j "$(nproc)" build/bench_redis_sink build/bench_kafka_sink

# Arguments: a socket, more options of redis-server.
start_redis() {
    local socket=$1
    shift
    redis-server --unixsocket "$socket" --save '' --dir "$scratch" --logfile '' "$@" >/dev/null &
    pids+=($!)
    until redis-cli -s "$socket" ping >/dev/null 2>&1; do sleep 0.05; done
}

# Numbers out of INFO, summed. Arguments: a pattern of their names, the sockets of the servers.
info_of() {
    local names=$1 socket
    shift
    for socket in "$@"; do redis-cli -s "$socket" info all; done |
        tr -d '\r' | awk -F: -v names="^($names)$" '$1 ~ names { sum += $2 } END { printf "%.6f\n", sum }'
}

# Writes the listings thrice, into nothing, over the same, and before events. Arguments: the layout, single or cluster, the
# node, the sockets of its servers.
measure() {
    local layout=$1 mode=$2 node=$3 cpu=used_cpu_user\|used_cpu_sys empty listed loaded again after
    shift 3
    empty=$(info_of used_memory "$@")
    "$relay/build/bench_redis_sink" "$node" "$mode" "$layout" "$listings" 1 >/dev/null
    listed=$(info_of used_memory "$@")
    loaded=$(info_of "$cpu" "$@")
    "$relay/build/bench_redis_sink" "$node" "$mode" "$layout" "$listings" 1 >/dev/null
    again=$(info_of "$cpu" "$@")
    "$relay/build/bench_redis_sink" "$node" "$mode" "$layout" "$listings" "$events" | sed 's/^/  /'
    after=$(info_of "$cpu" "$@")
    awk -v bytes="$empty $listed" -v cpu="$loaded $again $after" -v listings="$listings" -v events="$events" 'BEGIN {
        split(bytes, b, " "); split(cpu, c, " ")
        printf "  %.0f bytes of the memory of Redis a listing\n", (b[2] - b[1]) / listings
        printf "  %.1f us of its CPU a whole listing, %.1f us an event\n", (c[2] - c[1]) * 1e6 / listings, (c[3] - c[2] - (c[2] - c[1])) * 1e6 / events
    }'
}

echo "$(redis-server --version | cut -d' ' -f3), $(nproc) cores, $(date +%F)"
for layout in calendar months; do
    socket=$scratch/redis.$layout
    start_redis "$socket" --port 0
    echo "one Redis, $layout"
    measure "$layout" single "unix:$socket" "$socket"
    stop_servers
done

nodes=()
sockets=()
for ((i = 0; i < masters; i++)); do
    port=$((25200 + i))
    mkdir "$scratch/node$i"
    sockets+=("$scratch/node$i/socket")
    start_redis "$scratch/node$i/socket" --port "$port" --cluster-port $((port + 100)) --bind 127.0.0.1 --cluster-enabled yes --dir "$scratch/node$i"
    nodes+=("127.0.0.1:$port")
done
redis-cli --cluster create "${nodes[@]}" --cluster-yes >/dev/null
for socket in "${sockets[@]}"; do
    until redis-cli -s "$socket" cluster info | grep -q cluster_state:ok; do sleep 0.1; done
done
for layout in calendar months; do
    echo "a Cluster of $masters masters, $layout"
    for socket in "${sockets[@]}"; do redis-cli -s "$socket" flushall >/dev/null; done
    measure "$layout" cluster "${nodes[0]}" "${sockets[@]}"
done
stop_servers

for format in json protobuf; do
    echo "librdkafka's mock cluster, $format"
    "$relay/build/bench_kafka_sink" "$format" "$events" 2>/dev/null | sed 's/^/  /'
done
