# Shared by run, run_mysql and run_snapshot: sourced, not run. The servers, the folder and the agent of one benchmark.
# What is started here is stopped when the script ends; the folder stays only when it failed.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
. packaging/lib.sh

agent_pid='' worker_pid='' mysql_pid='' sandbox_pid=''
stop_one() { # PID [SIGNAL]
    [[ -n $1 ]] && kill -"${2:-TERM}" "$1" 2>/dev/null || return 0
    wait "$1" 2>/dev/null || true
}
clean_up() {
    local code=$? pid
    trap - EXIT INT TERM
    for pid in "$agent_pid" "$worker_pid" "$mysql_pid" "$sandbox_pid"; do stop_one "$pid"; done
    if [[ $code == 0 ]]; then rm -rf "$home"; else echo "logs: $home" >&2; fi
    exit $code
}

# $build, $agent, $home, and servers with what sandbox.env says of them. BENCH_BIN: a build directory to use.
set_up() { # TARGET..: what else to build
    build=${BENCH_BIN:-build/release}
    if [[ -z ${BENCH_BIN:-} ]]; then
        tests/tools/install_packages >&2
        build_tree release tributary tributary-sandbox "$@" >&2
    fi
    tests/servers/kafka/fetch 4.3.1 >&2
    agent=$build/src/cli/tributary
    home=$(mktemp -d /var/tmp/tributary-bench-XXXXXX)
    chmod 755 "$home"
    trap clean_up EXIT
    trap 'exit 130' INT TERM
    "$build/tests/servers/tributary-sandbox" "$home/servers" >"$home/sandbox.log" 2>&1 &
    sandbox_pid=$!
    until [[ -e $home/servers/sandbox.env ]]; do
        kill -0 "$sandbox_pid" || { cat "$home/sandbox.log" >&2; exit 1; }
        sleep 0.1
    done
    set -a
    . "$home/servers/sandbox.env"
    set +a
}

now() { date +%s%N; }
start_agent() {
    started=$(now)
    "$agent" run -c "$home/agent.yaml" >>"$home/agent.log" 2>&1 &
    agent_pid=$!
}
stop_agent() { stop_one "$agent_pid" "${1:-TERM}"; agent_pid=''; }
field() { # of the pipeline in `status`, as jq names it
    curl -s --unix-socket "$home/admin.sock" http://agent/v1/status 2>/dev/null | jq -r ".pipelines[0].$1" 2>/dev/null
}
await() { # durable|delivered ENTRIES
    "$build/tests/bench/agent_bench" "$home/admin.sock" "$agent_pid" "$1" "$2" || { tail -5 "$home/agent.log" >&2; exit 1; }
}

cpu_of() { awk '{print ($14 + $15) / 100}' "/proc/$1/stat"; }                     # PID: CPU-seconds
mib_of() { awk -v f="$2:" '$1 == f {print int($2 / 1024)}' "/proc/$1/status"; } # PID FIELD
threads_of() { # PID: the six that took most, CPU-seconds
    for task in /proc/"$1"/task/*; do
        echo "$(awk '{print ($14 + $15) / 100}' "$task/stat") $(tr ' ' _ <"$task/comm")"
    done | sort -rn | head -6 | awk '{printf "%s %s; ", $2, $1}'
}
ratio() { awk "BEGIN {printf \"%.2f\", $1 / $2}"; }
rate() { awk "BEGIN {printf \"%.0f k/s\", $1 / $2}"; } # ROWS MS
wants() { [[ ,$only, == *,$1,* ]]; }
table() { echo "| what | measured | with |"; echo "|---|---|---|"; }
row() { printf '| %s | %s | %s |\n' "$@"; }
load_average() {
    echo
    echo "Load average: $(cut -d' ' -f1-3 /proc/loadavg); $(nproc) cores."
}
