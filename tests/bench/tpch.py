"""Benchmarks on TPC-H: queries, loading, and sending a large table.

All sides have the same files from tpchgen. Pintail and DuckDB have the same tables: DuckDB's without the primary keys,
which Pintail does not give to DuckDB either. MySQL has the indexes on foreign keys besides (indexes.sql); its loaded data
directory is kept in build/bench, for loading takes longer than everything else.

Two sides are measured in turns, one pass over all queries each, and the ratio is the median of the rounds' ratios.
"""

import copy
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading

from servers import OUT, ROOT, TABLES, Driver, Failed, Pintail, Reference, memory, native_duckdb, progress, reset_peak, statements

SOURCE = ROOT / "tests/tpch"
QUERIES = sorted(SOURCE.glob("q*.sql"))
ROUNDS = 10
LOAD_ROUNDS = 3
SELECT_ROUNDS = 3

# A query that takes MySQL longer is stopped and counted with this time.
MYSQL_LIMIT_SECONDS = 60
BUFFER_POOL = "--innodb-buffer-pool-size=2G"

# What the buffer cache may take while a whole table is sent.
SMALL_LIMIT_MIB = 128e6 / 2**20
SMALL_LIMIT = "--storage-duckdb-memory-limit=128MB"

LOAD_STATEMENT = "LOAD DATA LOCAL INFILE '{path}' INTO TABLE {table} FIELDS TERMINATED BY '|'"
COPY_STATEMENT = "COPY {table} FROM '{path}' (FORMAT csv, DELIMITER '|', HEADER false, QUOTE '', ESCAPE '')"


class Context:
    """What benchmarks of one run share: programs, scale, generated files, loaded stores."""

    def __init__(self, programs, scale, rounds):
        self.programs, self.scale, self.rounds = programs, scale, rounds
        self.pintail = programs / "pintail"
        OUT.mkdir(parents=True, exist_ok=True)
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="work.", dir=OUT))
        self.store = self.work / "pintail"
        self.native = self.work / "native.duckdb"
        self.loaded = set()

    def at_scale(self, scale):
        """The same at another scale factor; with this one's programs and directory."""
        other = copy.copy(self)
        other.scale, other.work = scale, self.work / f"sf{scale:g}"
        other.work.mkdir(exist_ok=True)
        return other

    def data(self):
        """The directory of the .tbl files, made when they are not there yet."""
        directory = OUT / f"data/sf{self.scale:g}"
        if not directory.exists():
            progress(f"generating TPC-H at scale factor {self.scale:g}")
            new = directory.with_suffix(".new")
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir(parents=True)
            subprocess.run([self.programs / "tpchgen", "-s", str(self.scale), "-o", new, "-T", str(os.cpu_count())], check=True)
            new.rename(directory)
        return directory

    def queries(self):
        """Files of the 22 queries; the fraction in query 11 goes with the scale."""
        directory = self.work / "queries"
        if not directory.exists():
            directory.mkdir()
            for path in QUERIES:
                text = statements(path)[0].replace("0.0001000000", f"{0.0001 / self.scale:.10f}")
                (directory / path.name).write_text(text)
        return sorted(directory.iterdir())

    def load_pintail(self, server, collation):
        """The name of a database of the server with the eight tables."""
        database = "tpch_" + collation
        if database not in self.loaded:
            progress(f"loading Pintail, {collation}")
            with server.session() as session:
                session.sql(f"CREATE DATABASE {database} COLLATE {collation}")
            with server.session(database) as session:
                load_tables(session, SOURCE / "schema.sql", LOAD_STATEMENT, self.data())
            self.loaded.add(database)
        return database

    def load_native(self):
        """The DuckDB database file with the eight tables."""
        if not self.native.exists():
            progress("loading DuckDB")
            with native_duckdb(self.native) as session:
                load_tables(session, native_schema(self.work), COPY_STATEMENT, self.data())
        return self.native


def native_schema(work):
    """schema.sql without its primary keys."""
    path = work / "native-schema.sql"
    text = (SOURCE / "schema.sql").read_text()
    path.write_text(re.sub(r",\s*PRIMARY KEY \([^)]*\)", "", text))
    return path


def load_tables(session, schema, load, data):
    for statement in statements(schema):
        session.sql(statement)
    for table in TABLES:
        session.sql(load.format(table=table, path=data / f"{table}.tbl"))


def run_queries(session, files):
    """Seconds by query, rows by query."""
    seconds, rows = {}, {}
    for path in files:
        try:
            rows[path.stem], seconds[path.stem] = session.file(path)
        except Failed as e:
            raise Failed(f"{path.stem}: {e}") from e
    return seconds, rows


def medians(passes):
    return {query: statistics.median(p[query] for p in passes) for query in passes[0]}


def total_ratios(ours, theirs):
    """By round, our total time in units of theirs."""
    return [sum(a.values()) / sum(b.values()) for a, b in zip(ours, theirs)]


def alternate(name, rounds, parties):
    """Runs each party's function once a round, the order changing each round, after one round that is not counted."""
    results = {party: [] for party in parties}
    for number in range(rounds + 1):
        progress(f"{name}: " + (f"round {number} of {rounds}" if number else "warming up"))
        for party in (list(parties) if number % 2 else reversed(list(parties))):
            result = parties[party]()
            if number:
                results[party].append(result)
    return results


def compare_with_native(context, name, collation):
    """Total time of the 22 queries on Pintail, over DuckDB's own."""
    files = context.queries()
    native = context.load_native()
    with Pintail(context.pintail, context.store) as server:
        database = context.load_pintail(server, collation)
        with server.session(database) as ours, native_duckdb(native) as theirs:
            ours_rows, theirs_rows = run_queries(ours, files)[1], run_queries(theirs, files)[1]
            if ours_rows != theirs_rows:
                raise Failed(f"row counts differ: {ours_rows} and DuckDB's {theirs_rows}")
            results = alternate(name, context.rounds or ROUNDS, {
                "pintail": lambda: run_queries(ours, files)[0],
                "duckdb": lambda: run_queries(theirs, files)[0],
            })
    raw = {party: {"median_seconds": medians(passes), "totals": [sum(p.values()) for p in passes]}
           for party, passes in results.items()}
    return {name: total_ratios(results["pintail"], results["duckdb"])}, raw


def bench_binary(context):
    """22 queries, utf8mb4_0900_bin columns, against native DuckDB: times its total time"""
    return compare_with_native(context, "tpch-bin", "utf8mb4_0900_bin")


def bench_default(context):
    """22 queries, utf8mb4_0900_ai_ci columns, against native DuckDB: times its total time"""
    return compare_with_native(context, "tpch-ci", "utf8mb4_0900_ai_ci")


def bench_answers(context):
    """22 queries at scale 0.1, both collations, answers equal to MySQL 9.7's: the share that is"""
    command = [sys.executable, SOURCE / "compare", "--bin", context.pintail, "--scale", "0.1", "--dialect", "mysql"]
    result = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    counts = re.search(r"^(\d+) passed, (\d+) failed$", result.stdout, flags=re.M)
    if not counts:
        raise Failed(result.stdout + result.stderr)
    passed, failed = int(counts[1]), int(counts[2])
    return {"answers": passed / (passed + failed)}, {"passed": passed, "failed": failed, "output": result.stdout.splitlines()}


# ---- MySQL ----

def load_share(port, tables, data, errors):
    """Loads tables into MySQL, with their indexes; one of several threads."""
    indexes = statements(SOURCE / "indexes.sql")
    try:
        with Driver(OUT / "bin/client", "session", port, "tpch") as session:
            session.sql("SET SESSION unique_checks = 0")
            for table in tables:
                session.sql(LOAD_STATEMENT.format(table=table, path=data / f"{table}.tbl"))
                for statement in indexes:
                    if f" ON {table} " in statement:
                        session.sql(statement)
                session.sql(f"ANALYZE TABLE {table}")
    except Failed as e:
        errors.append(e)


def load_upstream(server, data, reference):
    """Database `tpch` of MySQL or MariaDB, with indexes."""
    progress(f"loading TPC-H into {reference}; its data directory is kept for the next time")
    mysql = reference == "mysql"
    with server.session() as session:
        session.sql("DROP DATABASE IF EXISTS tpch")
        session.sql(f"CREATE DATABASE tpch COLLATE {'utf8mb4_0900_ai_ci' if mysql else 'utf8mb4_general_ci'}")
        if mysql:
            session.sql("ALTER INSTANCE DISABLE INNODB REDO_LOG")
    with server.session("tpch") as session:
        for statement in statements(SOURCE / "schema.sql"):
            session.sql(statement)
    errors = []
    shares = (("lineitem",), [table for table in TABLES if table != "lineitem"])
    threads = [threading.Thread(target=load_share, args=(server.port, share, data, errors)) for share in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    if mysql:
        with server.session() as session:
            session.sql("ALTER INSTANCE ENABLE INNODB REDO_LOG")


def start_mysql(context):
    """MySQL with database `tpch` loaded."""
    directory = OUT / f"mysql-sf{context.scale:g}"
    data = context.data()
    stamp = directory / "loaded"
    if directory.exists() and not stamp.exists():
        shutil.rmtree(directory)  # an interrupted load
    server = Reference("mysql", directory, BUFFER_POOL)
    try:
        if not stamp.exists():
            load_upstream(server, data, "mysql")
            stamp.touch()
    except BaseException:
        server.stop()
        raise
    return server


def run_limited(session, files):
    """Seconds by query, with the limit for those that MySQL did not end in time, and the list of these."""
    seconds, stopped = {}, []
    for path in files:
        try:
            seconds[path.stem] = session.file(path)[1]
        except Failed as e:
            if not str(e).startswith("error 3024"):
                raise
            seconds[path.stem] = float(MYSQL_LIMIT_SECONDS)
            stopped.append(path.stem)
        progress(f"tpch-mysql: {path.stem} {seconds[path.stem]:.2f} s")
    return seconds, stopped


def bench_mysql(context):
    """22 queries, default collation, against MySQL 9.7 with a warm buffer pool of 2 GiB: times faster in total"""
    files = context.queries()
    with start_mysql(context) as server, server.session("tpch") as session:
        session.sql(f"SET SESSION max_execution_time = {MYSQL_LIMIT_SECONDS * 1000}")
        progress("tpch-mysql: warming up MySQL")
        run_limited(session, files)
        progress("tpch-mysql: measuring MySQL")
        mysql, stopped = run_limited(session, files)
    with Pintail(context.pintail, context.store) as server:
        database = context.load_pintail(server, "utf8mb4_0900_ai_ci")
        with server.session(database) as session:
            passes = [run_queries(session, files)[0] for _ in range(1 + (context.rounds or ROUNDS))][1:]
    pintail = medians(passes)
    raw = {"mysql": {"seconds": mysql, "stopped_at_limit": stopped, "limit_seconds": MYSQL_LIMIT_SECONDS},
           "pintail": {"median_seconds": pintail}}
    return {"tpch-mysql": sum(mysql.values()) / sum(pintail.values())}, raw


# ---- Loading and sending ----

def load_lineitem(session, create, load, path):
    """Rows a second into a new table, which is dropped again."""
    session.sql(create)
    rows, seconds = session.sql(load.format(table="lineitem", path=path))
    session.sql("DROP TABLE lineitem")
    return {"rows": rows, "rows_per_second": rows / seconds}


def count_lines(path):
    with open(path, "rb") as f:
        return sum(piece.count(b"\n") for piece in iter(lambda: f.read(1 << 20), b""))


def create_lineitem(schema):
    return next(s for s in statements(schema) if s.startswith("CREATE TABLE lineitem"))


def bench_load(context):
    """LOAD DATA LOCAL INFILE of lineitem, against DuckDB's COPY: times its rows per second"""
    path = context.data() / "lineitem.tbl"
    create, native_create = create_lineitem(SOURCE / "schema.sql"), create_lineitem(native_schema(context.work))
    with Pintail(context.pintail, context.work / "load") as server, native_duckdb(context.work / "load.duckdb") as theirs:
        with server.session() as session:
            session.sql("CREATE DATABASE `load`")
        with server.session("load") as ours:
            results = alternate("load", context.rounds or LOAD_ROUNDS, {
                "pintail": lambda: load_lineitem(ours, create, LOAD_STATEMENT, path),
                "duckdb": lambda: load_lineitem(theirs, native_create, COPY_STATEMENT, path),
            })
    lines = count_lines(path)
    if any(r["rows"] != lines for passes in results.values() for r in passes):
        raise Failed(f"rows were lost: the file has {lines}; {results}")
    ratios = [a["rows_per_second"] / b["rows_per_second"] for a, b in zip(results["pintail"], results["duckdb"])]
    return {"load": ratios}, results


def select_all(session, expected):
    rows, seconds = session.sql("SELECT * FROM lineitem")
    if rows != expected:
        raise Failed(f"{rows} rows came, not {expected}")
    return seconds


def growth(server, session, expected):
    """MiB by which the server grows while it sends the table twice: (first time, second time)."""
    sizes = []
    for _ in range(2):
        reset_peak(server.process_id)
        before = memory(server.process_id, "VmRSS")
        select_all(session, expected)
        sizes.append(memory(server.process_id, "VmHWM") - before)
    return sizes


def bench_select_all(context):
    """SELECT * of lineitem to a C client, against MySQL 9.7: times its speed; growth of memory in MiB"""
    expected = count_lines(context.data() / "lineitem.tbl")
    with Pintail(context.pintail, context.store) as server:
        database = context.load_pintail(server, "utf8mb4_0900_ai_ci")
    with Pintail(context.pintail, context.store, SMALL_LIMIT) as server, start_mysql(context) as mysql, \
            server.session(database) as ours, mysql.session("tpch") as theirs:
        first, second = growth(server, ours, expected)
        results = alternate("select-all", context.rounds or SELECT_ROUNDS, {
            "pintail": lambda: select_all(ours, expected),
            "mysql": lambda: select_all(theirs, expected),
        })
    ratios = {
        "select-all": [b / a for a, b in zip(results["pintail"], results["mysql"])],
        # The first time fills DuckDB's cache up to its limit; the rest is what sending takes.
        "select-all-growth-mib": max(first - SMALL_LIMIT_MIB, second),
    }
    raw = {"seconds": results, "growth_mib": {"first": first, "second": second, "cache_limit": SMALL_LIMIT_MIB}, "rows": expected}
    return ratios, raw
