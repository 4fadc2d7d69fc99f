# How servers of the MySQL family are made and run; $root is where their packages are.

server_program=usr/sbin/mysqld
template=$cache/$server_name-template

own_options() {
    echo "--basedir=$root/usr --lc-messages-dir=$root/usr/share/mysql --character-sets-dir=$root/usr/share/mysql/charsets --plugin-dir=$root/usr/lib/mysql/plugin"
}

server_version() {
    run_program $server_program --version | sed 's/.*Ver \([^ ]*\).*/\1/'
}

server_ready() { # SOCKET
    run_program usr/bin/mysqladmin --no-defaults --socket="$1" --user=root --silent ping >/dev/null
}

server_client() {
    run_program usr/bin/mysql --no-defaults --local-infile=1 "$@"
}

# Options for the words of `start`.
binlog_options=(--log-bin=binlog --server-id=1 --gtid-mode=ON --enforce-gtid-consistency=ON --binlog-row-metadata=FULL --sync-binlog=0)
tls_off_options=(--tls-version=)
tls_required_options=(--require-secure-transport=ON)

# The last of two options for the log wins.
server_exec() { # DIR PORT SOCKET ARG...
    local dir=$1 port=$2 socket=$3
    shift 3
    # shellcheck disable=SC2046
    become $server_program --no-defaults $(own_options) \
        --user="$(id -un)" --datadir="$dir/data" --port="$port" --bind-address=127.0.0.1 --socket="$socket" \
        --tmpdir="$dir/tmp" --pid-file="$dir/data/mysqld.pid" --mysqlx=OFF --secure-file-priv= --local-infile=1 --skip-log-bin \
        --innodb-flush-log-at-trx-commit=2 --innodb-doublewrite=OFF "$@"
}

# Initialising takes seconds, copying what it made a fraction of one.
make_template() {
    local work=$cache/$server_name-init
    say "initialising a data directory"
    rm -rf "$work"
    mkdir -p "$work"
    # shellcheck disable=SC2046
    run_program $server_program --no-defaults $(own_options) --user="$(id -un)" --initialize-insecure \
        --datadir="$work/data" --innodb-redo-log-capacity=32M >"$work/server.log" 2>&1 || {
        tail -n 20 "$work/server.log" >&2
        die "initialising failed"
    }
    launch "$work" --innodb-redo-log-capacity=32M >/dev/null
    {
        echo "CREATE USER root@'%'; GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION; USE mysql;"
        run_program usr/bin/mysql_tzinfo_to_sql "$root/usr/share/zoneinfo" 2>/dev/null
    } | client "$work"
    stop "$work"
    # The server makes itself a new identity.
    rm -f "$work/data/auto.cnf"
    rm -rf "$template"
    mv "$work/data" "$template"
    rm -rf "$work"
}
