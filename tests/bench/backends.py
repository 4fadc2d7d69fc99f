"""The ways to a server that the passthrough benchmarks compare, all in front of one upstream.

direct is the upstream itself; haproxy relays TCP; router is MySQL's own proxy; pintail relays with `storage.backend: mysql`;
duckdb is Pintail with its own tables, loaded from the upstream's. All speak plain TCP on loopback.
"""

import os
import pathlib
import shutil

from servers import OUT, ROOT, TABLES, THREADS, Failed, Pintail, Process, Reference, Server, free_port, progress

CACHE = pathlib.Path(os.environ.get("PINTAIL_CACHE", pathlib.Path.home() / ".cache/pintail"))
ROUTER = ROOT / "tests/servers/mysqlrouter"
CONNECTIONS = 1200

HAPROXY_CONFIGURATION = """
global
    maxconn 8000
    nbthread {threads}
defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
listen bench
    bind 127.0.0.1:{port}
    server upstream 127.0.0.1:{upstream}
"""

ROUTER_CONFIGURATION = """
[DEFAULT]
logging_folder={directory}
runtime_folder={directory}
data_folder={directory}
plugin_folder={plugins}
max_total_connections=20000
[logger]
level=WARNING
[routing:bench]
bind_address=127.0.0.1
bind_port={port}
destinations=127.0.0.1:{upstream}
routing_strategy=first-available
protocol=classic
client_ssl_mode=DISABLED
server_ssl_mode=DISABLED
max_connections=20000
"""


class Direct(Server):
    """The upstream; who starts it also stops it."""

    def __init__(self, upstream):
        self.port, self.process_id = upstream.port, upstream.process_id

    def stop(self):
        pass


def start_direct(context, upstream, _directory):
    return Direct(upstream)


def start_haproxy(context, upstream, directory):
    program = shutil.which("haproxy", path=os.environ["PATH"] + ":/usr/sbin")
    if not program:
        raise Failed("haproxy is not installed")
    port = free_port()
    path = directory / "haproxy.cfg"
    path.write_text(HAPROXY_CONFIGURATION.format(threads=THREADS, port=port, upstream=upstream.port))
    return Process("haproxy", port, program, "-db", "-f", path)


def start_router(context, upstream, directory):
    port = free_port()
    path = directory / "router.conf"
    path.write_text(ROUTER_CONFIGURATION.format(directory=directory, plugins=CACHE / "router/usr/lib/mysqlrouter/plugin",
                                                port=port, upstream=upstream.port))
    return Process("mysqlrouter", port, ROUTER, "run", "mysqlrouter", "-c", path)


def start_relay(context, upstream, directory, *options):
    """Pintail in front of the upstream; the directory is for its keys."""
    port = free_port()
    return Process("pintail", port, context.pintail, "--port", port, "--storage", "mysql", "--mysql-host", "127.0.0.1",
                   "--mysql-port", upstream.port, "--mysql-user", "root", "--storage-duckdb-path", directory / "store", *options)


def start_duckdb(context, upstream, directory):
    server = Pintail(context.pintail, directory / "store")
    try:
        copy_databases(upstream, server, directory)
    except BaseException:
        server.stop()
        raise
    return server


# In the order in which figures name them.
BACKENDS = {
    "direct": start_direct,
    "haproxy": start_haproxy,
    "router": start_router,
    "pintail": start_relay,
    "duckdb": start_duckdb,
}


def copy_databases(upstream, server, directory):
    """Gives DuckDB the upstream's tables, by way of files."""
    copied = {"bench": BENCH_SCHEMA, "sbtest": [sysbench_table(number) for number in range(1, SYSBENCH_TABLES + 1)]}
    for database, tables in copied.items():
        with server.session() as session:
            session.sql(f"CREATE DATABASE {database}")
        with server.session(database) as ours, upstream.session(database) as theirs:
            for statement in tables:
                name = statement.split()[2]
                path = directory / f"{name}.txt"
                ours.sql(statement)
                theirs.sql(f"SELECT * FROM {name} INTO OUTFILE '{path}'")
                ours.sql(f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE {name}")
                path.unlink()


# ---- The upstream and its tables ----

SYSBENCH_TABLES = 4
SYSBENCH_ROWS = 25000
ORDERS = 30000
CUSTOMERS = 3000

BENCH_SCHEMA = [
    "CREATE TABLE customer (id INT PRIMARY KEY, name VARCHAR(40) NOT NULL, region CHAR(8) NOT NULL, balance DECIMAL(12,2))",
    "CREATE TABLE orders (id INT PRIMARY KEY, customer_id INT NOT NULL, day DATE NOT NULL, amount DECIMAL(12,2), "
    "weight DOUBLE, note VARCHAR(100))",
]

# Rows from arithmetic only, so that they are the same everywhere. A row in 20 has no amount.
BENCH_ROWS = [
    "INSERT INTO customer SELECT n, CONCAT('Customer ', n), ELT(1 + n % 5, 'AFRICA', 'AMERICA', 'ASIA', 'EUROPE', 'OCEANIA'), "
    f"(n * 7919 % 1000000) / 100 FROM numbers WHERE n <= {CUSTOMERS}",
    f"INSERT INTO orders SELECT n, 1 + n * 104729 % {CUSTOMERS}, DATE '2020-01-01' + INTERVAL n % 1500 DAY, "
    "IF(n % 20 = 0, NULL, (n * 15485863 % 10000000) / 100), n / 8, CONCAT('order ', n, ' ', REPEAT('x', n % 60)) FROM numbers",
    "ALTER TABLE orders ADD INDEX (customer_id)",
    "ANALYZE TABLE customer, orders",
]


def sysbench_table(number):
    """The definition that sysbench gives its tables."""
    return (f"CREATE TABLE sbtest{number} (id INT NOT NULL AUTO_INCREMENT, k INT NOT NULL DEFAULT 0, "
            f"c CHAR(120) NOT NULL DEFAULT '', pad CHAR(60) NOT NULL DEFAULT '', PRIMARY KEY (id), KEY k_{number} (k))")


def fill(upstream):
    """The tables that workloads read and write."""
    progress("filling the upstream's tables")
    with upstream.session() as session:
        for database in ("bench", "sbtest"):
            session.sql(f"DROP DATABASE IF EXISTS {database}")
            session.sql(f"CREATE DATABASE {database}")
    with upstream.session("bench") as session:
        session.sql("CREATE TABLE numbers (n BIGINT PRIMARY KEY)")
        session.sql("INSERT INTO numbers VALUES (1)")
        count = 1
        while count < ORDERS:
            session.sql(f"INSERT INTO numbers SELECT n + {count} FROM numbers WHERE n + {count} <= {ORDERS}")
            count *= 2
        for statement in BENCH_SCHEMA + BENCH_ROWS + ["DROP TABLE numbers"]:
            session.sql(statement)


def start_upstream(name, prepare_sysbench):
    """A server with the tables; its data directory is kept in build/bench for the next time."""
    directory = OUT / f"upstream-{name}"
    stamp = directory / f"filled-{ORDERS}"
    if directory.exists() and not stamp.exists():
        shutil.rmtree(directory)  # an interrupted start, or other tables
    server = Reference(name, directory, "--tls=off", f"--max-connections={CONNECTIONS}", "--innodb-buffer-pool-size=512M",
                       "--innodb-redo-log-capacity=512M" if name == "mysql" else "--innodb-log-file-size=512M")
    try:
        if not stamp.exists():
            fill(server)
            prepare_sysbench(server)
            stamp.touch()
    except BaseException:
        server.stop()
        raise
    return server


__all__ = ["BACKENDS", "CUSTOMERS", "ORDERS", "SYSBENCH_ROWS", "SYSBENCH_TABLES", "TABLES", "start_relay", "start_upstream"]
