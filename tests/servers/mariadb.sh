# How servers of the MariaDB family are made and run; $root is where their packages are, empty for the machine's own.

server_program=usr/sbin/mariadbd
template=$cache/$server_name-template

# The directory of messages and of the SQL that makes the system tables: MariaDB 11 has renamed it.
share() {
    if [ -e "$root/usr/share/mariadb/fill_help_tables.sql" ]; then
        echo "$root/usr/share/mariadb"
    else
        echo "$root/usr/share/mysql"
    fi
}

own_options() {
    echo "--basedir=$root/usr --lc-messages-dir=$(share) --character-sets-dir=$(share)/charsets"
}

server_version() {
    run_program $server_program --version | sed 's/.*Ver \([^ ]*\).*/\1/'
}

# Since 11.4 the client refuses servers without TLS otherwise.
server_ready() { # SOCKET
    run_program usr/bin/mariadb --no-defaults --skip-ssl-verify-server-cert --character-sets-dir="$(share)/charsets" --socket="$1" --user=root --execute="DO 0"
}

server_client() {
    run_program usr/bin/mariadb --no-defaults --skip-ssl-verify-server-cert --character-sets-dir="$(share)/charsets" --local-infile=1 "$@"
}

# Options for the words of `start`.
binlog_options=(--log-bin=binlog --server-id=1 --binlog-format=ROW --binlog-row-metadata=FULL --log-slave-updates --gtid-strict-mode=ON --sync-binlog=0)
tls_off_options=(--skip-ssl)
tls_required_options=(--require-secure-transport=ON)

server_exec() { # DIR PORT SOCKET ARG...
    local dir=$1 port=$2 socket=$3
    shift 3
    # shellcheck disable=SC2046
    become $server_program --no-defaults $(own_options) \
        --user="$(id -un)" --datadir="$dir/data" --port="$port" --bind-address=127.0.0.1 \
        --socket="$socket" --tmpdir="$dir/tmp" --pid-file="$dir/data/mariadbd.pid" --character-set-server=utf8mb4 \
        --collation-server=utf8mb4_general_ci --local-infile=1 \
        --innodb-flush-log-at-trx-commit=2 --innodb-doublewrite=OFF "$@"
}

# The SQL of a new data directory, in the order the server's own installer feeds it. A statement ends with its line here.
system_tables() {
    local name file
    printf '%s;\n' "CREATE DATABASE IF NOT EXISTS mysql" "USE mysql" "SET @auth_root_socket = NULL"
    for name in system_tables performance_tables system_tables_data; do
        file=$(share)/mariadb_$name.sql
        [ -e "$file" ] || file=$(share)/mysql_$name.sql
        cat "$file"
    done
    cat "$(share)/fill_help_tables.sql" "$(share)/maria_add_gis_sp_bootstrap.sql"
    # Since 10.6.
    cat "$(share)"/m*_sys_schema.sql 2>/dev/null || true
}

# Names of time zones, by the tool of the machine's MariaDB, which is not in the packages unpacked.
time_zones() {
    local zones=$root/usr/share/zoneinfo
    if command -v mariadb-tzinfo-to-sql >/dev/null && [ -d "$zones" ]; then
        mariadb-tzinfo-to-sql --skip-write-binlog "$zones" 2>/dev/null
    fi
}

make_template() {
    local work=$cache/$server_name-init
    say "initialising a data directory"
    rm -rf "$work"
    mkdir -p "$work/data" "$work/tmp"
    # shellcheck disable=SC2046
    system_tables | run_program $server_program --no-defaults $(own_options) --user="$(id -un)" \
        --datadir="$work/data" --tmpdir="$work/tmp" --bootstrap --enforce-storage-engine= --max-allowed-packet=8M \
        --net-buffer-length=16K --log-warnings=0 >"$work/server.log" 2>&1 || {
        tail -n 20 "$work/server.log" >&2
        die "initialising failed"
    }
    launch "$work" >/dev/null
    {
        echo "DELETE FROM mysql.global_priv WHERE User <> 'mariadb.sys' AND Host <> 'localhost'; FLUSH PRIVILEGES;"
        echo "CREATE USER root@'%'; GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION; USE mysql;"
        time_zones
    } | client "$work"
    stop "$work"
    rm -rf "$template"
    mv "$work/data" "$template"
    rm -rf "$work"
}
