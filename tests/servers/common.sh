# Starting, waiting for, and stopping a reference server; part of the script `server`.
#
# A server lives in a directory DIR of the caller's:
#   DIR/data    its data directory       DIR/server.log  its error log
#   DIR/port    TCP port on 127.0.0.1    DIR/socket      path of its UNIX socket
#   DIR/pid     its process id           DIR/tls         certificates, with a TLS option (tls.sh)
# port, socket and pid are one-line text files, there only while the server is meant to run.
# The family's file defines server_program, template, make_template, server_version, server_ready(SOCKET),
# server_client(ARG...) and server_exec(DIR PORT SOCKET ARG...).

cache=${PINTAIL_CACHE:-$HOME/.cache/pintail}

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

say() {
    echo "${0##*/}: $*" >&2
}

# Runs a function under a lock, so that parallel callers prepare the cache only once.
with_cache_lock() { # LOCK FUNCTION
    mkdir -p "$cache"
    (
        flock 9
        "$2"
    ) 9>"$cache/.lock-$1"
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
    # Its own: a MariaDB that starts deletes the temporary tables of all others in the same directory.
    mkdir -p "$dir/tmp"
    # The kernel's limit on the path of a UNIX socket is 107 bytes.
    [ ${#socket} -le 100 ] || socket=$(mktemp -d "${TMPDIR:-/tmp}/pintail.XXXXXX")/s.sock
    for try in 1 2 3; do
        port=${wanted_port:-$(free_port)}
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

# Sets `options` to the server's own for the words of `start`, and wanted_port; prepares the certificates.
translate_options() { # DIR ARG...
    local dir=$1 word
    shift
    options=()
    for word in "$@"; do
        case $word in
        --binlog) options+=("${binlog_options[@]}") ;;
        --tls=off) options+=("${tls_off_options[@]}") ;;
        --tls=on | --tls=required)
            give_certificates "$dir" >&2
            options+=("--ssl-ca=$dir/tls/ca.pem" "--ssl-cert=$dir/tls/server-cert.pem" "--ssl-key=$dir/tls/server-key.pem")
            [ "$word" = --tls=on ] || options+=("${tls_required_options[@]}")
            ;;
        --tls=*) die "no such option: $word" ;;
        --port=*) wanted_port=${word#--port=} ;;
        *) options+=("$word") ;;
        esac
    done
}

start() { # DIR ARG...
    local dir options=() wanted_port=
    mkdir -p "$1"
    dir=$(cd "$1" && pwd)
    shift
    if running "$dir"; then
        die "a server already runs in $dir (pid $(cat "$dir/pid"))"
    fi
    rm -rf "$dir/port" "$dir/socket" "$dir/pid" "$dir/tls"
    prepare >&2
    if [ ! -d "$dir/data" ]; then
        cp -a --reflink=auto --sparse=always "$template" "$dir/data.new"
        mv "$dir/data.new" "$dir/data"
    fi
    translate_options "$dir" "$@"
    launch "$dir" ${options[@]+"${options[@]}"}
    [ ! -d "$dir/tls" ] || echo "tls=$dir/tls"
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

prepare_locked() {
    [ -z "$root" ] || [ -x "$root/$server_program" ] || fetch_packages
    [ -d "$template" ] || make_template
}

prepare() {
    local version
    if [ -z "$root" ] && [ ! -x "/$server_program" ]; then
        die "$server_name is not installed: run scripts/deps test"
    fi
    if [ -d "$template" ] && [ -x "$root/$server_program" ]; then
        return
    fi
    with_cache_lock "$server_name" prepare_locked || exit 1
    version=$(server_version)
    case $version in
    "$wanted".*) say "version $version is ready" ;;
    *) say "warning: Debian now has version $version, not $wanted" ;;
    esac
}

# A program of the packages; replaces this process, so that a caller's signals reach it.
run() { # PROGRAM ARG...
    local program
    prepare >&2
    program=usr/bin/$1
    shift
    become "$program" "$@"
}

main() {
    local command=${1:-}
    [ $# -eq 0 ] || shift
    case $command in
    prepare) prepare ;;
    version) prepare >&2 && server_version ;;
    start | stop | client | run)
        [ $# -ge 1 ] || usage
        if [ "$family" = program ] && [ "$command" != run ]; then
            usage
        fi
        "$command" "$@"
        ;;
    *) usage ;;
    esac
}

usage() {
    sed -n '2,/^$/s/^# \{0,1\}//p' "$here/server" >&2
    exit 2
}
