# A Kafka Connect worker in distributed form with exactly-once sources and one Debezium connector: sourced, not run.
# Needs lib.sh. Tuned for a drain: large batches and queues, no wait between polls, lz4, a heap of 2 GiB.
# Kafka documentation, "Kafka Connect" and KIP-618; Debezium documentation, connector properties.

debezium_start() {
    local cache=${TRIBUTARY_CACHE:-$([[ $(id -u) == 0 ]] && echo /var/cache/tributary || echo "$HOME/.cache/tributary")}
    worker_port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    cat >"$home/worker.properties" <<EOF
bootstrap.servers=$KAFKA_BOOTSTRAP
group.id=bench
exactly.once.source.support=enabled
config.storage.topic=connect-configs
offset.storage.topic=connect-offsets
status.storage.topic=connect-status
config.storage.replication.factor=1
offset.storage.replication.factor=1
status.storage.replication.factor=1
key.converter=org.apache.kafka.connect.json.JsonConverter
value.converter=org.apache.kafka.connect.json.JsonConverter
key.converter.schemas.enable=false
value.converter.schemas.enable=false
connector.client.config.override.policy=All
plugin.discovery=service_load
listeners=http://127.0.0.1:$worker_port
EOF
    java -Xms512m -Xmx2g -XX:+UseParallelGC -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -Djava.net.preferIPv4Stack=true \
        -cp "$cache/debezium-3.6.1.Final/libs/*:$cache/debezium-mariadb-3.6.1.Final/libs/*" \
        org.apache.kafka.connect.cli.ConnectDistributed "$home/worker.properties" >>"$home/worker.log" 2>&1 &
    worker_pid=$!
}
debezium_stop() { stop_one "$worker_pid"; worker_pid=''; }

# Waits for the worker, then gives it the connector. JSON: its properties besides the tuned ones.
debezium_connector() { # PREFIX JSON
    local deadline=$((SECONDS + 120))
    jq --arg prefix "$1" '. + {"topic.prefix": $prefix, "tasks.max": "1", "snapshot.mode": "no_data",
        "exactly.once.support": "required", "max.batch.size": "20480", "max.queue.size": "81920",
        "poll.interval.ms": "10", "topic.creation.default.partitions": "1",
        "topic.creation.default.replication.factor": "1", "producer.override.compression.type": "lz4",
        "producer.override.linger.ms": "50", "producer.override.batch.size": "1000000",
        "producer.override.buffer.memory": "67108864"}' <<<"$2" >"$home/connector.json"
    until curl -fsS -X PUT -H 'Content-Type: application/json' --data "@$home/connector.json" \
        "http://127.0.0.1:$worker_port/connectors/bench/config" >/dev/null 2>"$home/connector.said"; do
        kill -0 "$worker_pid" && ((SECONDS < deadline)) || { tail -5 "$home/connector.said" "$home/worker.log" >&2; exit 1; }
        sleep 0.5
    done
}

# Rows that are there already, through the running worker into TOPIC. CPU and time begin with the first one that is in
# Kafka: what starting a JVM costs is told apart.
debezium_drain() { # TOPIC ROWS
    local said= starting= seconds=
    {
        read -r said || true
        starting=$(cpu_of "$worker_pid")
        read -r _ seconds || true
    } < <("$build/tests/bench/kafka_bench" arrived "$KAFKA_BOOTSTRAP" "$1" "$2" 2>"$home/arrived.log")
    [[ $said == began && -n $seconds ]] || { tail -5 "$home/arrived.log" "$home/worker.log" >&2; exit 1; }
    debezium_ms=$(awk "BEGIN {print $seconds * 1000}")
    row "Debezium 3.6.1, Connect exactly-once, tuned" "$(rate "$2" "$debezium_ms")" \
        "$(awk "BEGIN {printf \"%.1f\", ($(cpu_of "$worker_pid") - $starting) / $2 * 1e6}") CPU-s/M and $starting before the first row, VmHWM $(mib_of "$worker_pid" VmHWM) MiB"
}
