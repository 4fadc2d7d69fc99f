# Shared by the scripts beside this file: starting, waiting for, and stopping a reference server.
#
# A server lives in a directory DIR of the caller's:
#   DIR/data    its data directory       DIR/server.log  its error log
#   DIR/port    TCP port on 127.0.0.1    DIR/socket      path of its UNIX socket
#   DIR/pid     its process id
# port, socket and pid are one-line text files, there only while the server is meant to run.
# The including script defines server_name, server_ready(SOCKET) and server_exec(DIR PORT SOCKET ARG...).

cache=${PINTAIL_CACHE:-$HOME/.cache/pintail}

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

say() {
    echo "${0##*/}: $*" >&2
}

# Runs the rest of the script's work under a lock, so that parallel callers prepare the cache only once.
with_cache_lock() {
    mkdir -p "$cache"
    (
        flock 9
        "$@"
    ) 9>"$cache/.lock-$server_name"
}

# A port that nobody listens on, below the range the kernel gives to outgoing connections.
free_port() {
    local port
    while :; do
        port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

running() {
    [ -s "$1/pid" ] && kill -0 "$(cat "$1/pid")" 2>/dev/null
}

# Waits until the server answers; fails as soon as its process has ended.
wait_ready() { # DIR PID SOCKET
    local tries=0
    until server_ready "$3" 2>/dev/null; do
        kill -0 "$2" 2>/dev/null || return 1
        tries=$((tries + 1))
        [ "$tries" -lt 1200 ] || return 1
        sleep 0.05
    done
}

# Starts the server over an existing DIR/data. Another process may take the port first, hence the tries.
launch() { # DIR ARG...
    local dir=$1 port socket pid try
    shift
    socket=$dir/s.sock
    # The kernel's limit on the path of a UNIX socket is 107 bytes.
    [ ${#socket} -le 100 ] || socket=$(mktemp -d "${TMPDIR:-/tmp}/pintail.XXXXXX")/s.sock
    for try in 1 2 3; do
        port=$(free_port)
        server_exec "$dir" "$port" "$socket" "$@" </dev/null >>"$dir/server.log" 2>&1 9>&- &
        pid=$!
        if wait_ready "$dir" "$pid" "$socket"; then
            disown "$pid" 2>/dev/null || true
            echo "$port" >"$dir/port"
            echo "$socket" >"$dir/socket"
            echo "$pid" >"$dir/pid"
            printf 'port=%s\nsocket=%s\npid=%s\n' "$port" "$socket" "$pid"
            return 0
        fi
        kill -9 "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
        grep -q 'Address already in use' "$dir/server.log" || break
    done
    tail -n 20 "$dir/server.log" >&2
    die "the server did not start; its log is $dir/server.log"
}

start() { # DIR ARG...
    local dir
    mkdir -p "$1"
    dir=$(cd "$1" && pwd)
    shift
    if running "$dir"; then
        die "a server already runs in $dir (pid $(cat "$dir/pid"))"
    fi
    rm -f "$dir/port" "$dir/socket" "$dir/pid"
    prepare >&2
    if [ ! -d "$dir/data" ]; then
        cp -a --reflink=auto --sparse=always "$cache/$server_name-template" "$dir/data.new"
        mv "$dir/data.new" "$dir/data"
    fi
    launch "$dir" "$@"
}

stop() { # DIR
    local dir=$1 pid tries=0
    if running "$dir"; then
        pid=$(cat "$dir/pid")
        kill "$pid"
        while kill -0 "$pid" 2>/dev/null; do
            tries=$((tries + 1))
            [ "$tries" -lt 600 ] || kill -9 "$pid" 2>/dev/null || true
            sleep 0.05
        done
    fi
    if [ -s "$dir/socket" ]; then
        case $(cat "$dir/socket") in
        "$dir"/*) ;;
        *) rm -rf "$(dirname "$(cat "$dir/socket")")" ;;
        esac
    fi
    rm -f "$dir/port" "$dir/socket" "$dir/pid"
}

client() { # DIR ARG...
    local dir=$1
    shift
    running "$dir" || die "no server runs in $dir"
    server_client --socket="$(cat "$dir/socket")" --user=root "$@"
}

main() {
    local command=${1:-}
    [ $# -eq 0 ] || shift
    case $command in
    prepare) prepare ;;
    version) prepare >&2 && server_version ;;
    start | stop | client)
        [ $# -ge 1 ] || usage
        "$command" "$@"
        ;;
    *) usage ;;
    esac
}

usage() {
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2
    exit 2
}
