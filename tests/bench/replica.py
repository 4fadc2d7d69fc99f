"""Benchmarks of the columnar copy: how fast it catches up with a recorded backlog, how far it is behind live, the first copy.

The source is a MySQL 9.7 with GTIDs and row format. The raw stream, which backlogs are compared with, is what MySQL's own
mysqlbinlog reads from the same server into a file, without decoding.
"""

import shutil
import statistics
import subprocess
import threading
import time

import sysbench
from servers import OUT, REFERENCES, Failed, Pintail, Reference, progress

ROUNDS = 3
SMALL_ROWS, ROW_COLUMNS = 1_000_000, "b INT, c INT, d BIGINT, e DECIMAL(12,2), f DATETIME, g VARCHAR(40), h CHAR(20)"
INSERT_BATCH = 1000
LIVE_SECONDS = 30
OPTIONS = ("--tls=off", "--binlog", "--innodb-buffer-pool-size=1G", "--innodb-redo-log-capacity=1G", "--max-connections=200",
           "--max-binlog-size=1G", "--binlog-cache-size=1M")


def query(port, sql, database=None):
    """Rows of a statement, as lists of strings, by the client of the server."""
    words = [REFERENCES["mysql"], "run", "mysql", "--no-defaults", "--protocol=tcp", "--host=127.0.0.1", f"--port={port}", "--user=root", "--batch",
             "--skip-column-names", *([f"--database={database}"] if database else [])]
    done = subprocess.run([str(w) for w in words], input=sql, capture_output=True, text=True)
    if done.returncode:
        raise Failed(done.stderr.strip())
    return [line.split("\t") for line in done.stdout.splitlines()]


class Copy:
    """A source, and Pintail that copies it; both with fresh directories."""

    def __init__(self, context, *options):
        self.directory = OUT / "replica"
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        self.source = Reference("mysql", self.directory / "source", *OPTIONS)
        self.context, self.options = context, options
        self.pintail = None
        query(self.source.port, "CREATE DATABASE sbtest")

    def start(self, *options):
        self.pintail = Pintail(self.context.pintail, self.directory / "copy", "--storage", "hybrid", "--mysql-host", "127.0.0.1",
                               "--mysql-port", self.source.port, "--mysql-user", "root", *self.options, *options)

    def stop(self):
        if self.pintail is not None:
            self.pintail.stop()
            self.pintail = None

    def columns(self, sql):
        return query(self.pintail.port, "SET pintail_route = 'column'; " + sql)

    def wait_live(self, seconds=600):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            rows = self.columns("SELECT tables_live, tables_pending + tables_loading FROM pintail.replica")
            if rows and int(rows[0][0]) > 0 and int(rows[0][1]) == 0:
                return
            time.sleep(0.2)
        raise Failed("the copy is not complete")

    def applied(self):
        return self.columns("SELECT transactions, rows_inserted + rows_updated + rows_deleted FROM pintail.replica")[0]

    def close(self):
        self.stop()
        self.source.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- A backlog ----

    def log_position(self):
        return query(self.source.port, "SHOW BINARY LOG STATUS")[0][:2]

    def raw_seconds(self, since):
        """Seconds in which mysqlbinlog reads the log from there on."""
        last = self.log_position()
        began = time.monotonic()
        done = subprocess.run([REFERENCES["mysql"], "run", "mysqlbinlog", "--no-defaults", "--read-from-remote-server", "--raw",
                               "--host=127.0.0.1", f"--port={self.source.port}", "--user=root", "--to-last-log",
                               f"--result-file={self.directory}/raw-", since[0]], capture_output=True, text=True)
        if done.returncode:
            raise Failed(done.stderr.strip())
        seconds = time.monotonic() - began
        for path in self.directory.glob("raw-*"):
            path.unlink()
        return seconds, last

    def replay(self, transactions):
        """Seconds until so many transactions more are in the copy, from the start of Pintail's replica."""
        before = int(self.applied()[0])
        began = time.monotonic()
        self.columns("START REPLICA")
        while int(self.applied()[0]) - before < transactions:
            if time.monotonic() - began > 600:
                raise Failed(f"only {self.applied()} applied")
            time.sleep(0.02)
        return time.monotonic() - began

    def measure_backlog(self, name, load):
        """load() writes transactions and returns (transactions, row changes). Returns what was measured."""
        self.columns("STOP REPLICA")
        query(self.source.port, "FLUSH BINARY LOGS")
        since = self.log_position()
        transactions, rows = load()
        raw, _ = self.raw_seconds(since)
        seconds = self.replay(transactions)
        figures = {"transactions": transactions, "row_changes": rows, "raw_seconds": raw, "seconds": seconds,
                   "row_changes_per_second": rows / seconds, "transactions_per_second": transactions / seconds,
                   "raw_transactions_per_second": transactions / raw}
        progress(f"{name}: " + ", ".join(f"{k} {v:,.1f}" for k, v in figures.items()))
        return figures


def median_of(passes, key):
    return statistics.median(p[key] for p in passes)


def backlog(context, name, prepare, load, rounds=None):
    with Copy(context) as copy:
        prepare(copy)
        copy.start()
        copy.wait_live()
        return [copy.measure_backlog(name, lambda: load(copy)) for _ in range(rounds or context.rounds or ROUNDS)]


# ---- Insert-only ----

def prepare_inserts(copy):
    query(copy.source.port, f"CREATE TABLE sbtest.t (id INT PRIMARY KEY AUTO_INCREMENT, {ROW_COLUMNS});"
                            "CREATE TABLE sbtest.numbers (n INT PRIMARY KEY)")
    query(copy.source.port, "INSERT INTO sbtest.numbers WITH RECURSIVE r AS (SELECT 1 n UNION ALL SELECT n + 1 FROM r WHERE n < 1000)"
                            " SELECT n FROM r")


ROW_VALUES = ("n, n * 7, n * 1000003, n * 1.25, '2024-01-01' + INTERVAL n SECOND, CONCAT('a text of some length ', n), CONCAT('code ', n)")


def load_inserts(copy):
    count = SMALL_ROWS // INSERT_BATCH
    one = f"INSERT INTO t (b, c, d, e, f, g, h) SELECT {ROW_VALUES} FROM numbers;"
    query(copy.source.port, one * count, "sbtest")
    return count, count * INSERT_BATCH


def bench_backlog_inserts(context):
    """A backlog of 1,000,000 rows in transactions of 1,000: row changes a second applied, in millions"""
    passes = backlog(context, "replica-inserts", prepare_inserts, load_inserts)
    return {"replica-inserts-million-per-second": median_of(passes, "row_changes_per_second") / 1e6}, passes


def load_singles(copy):
    sysbench.run(*sysbench.command(copy.source.port, "oltp_insert", 8, "--time=0", "--events=60000", "run"))
    return 60000, 60000


def bench_backlog_singles(context):
    """A backlog of 60,000 transactions of one inserted row: times the raw stream's transactions a second"""
    passes = backlog(context, "replica-singles", lambda copy: sysbench.prepare(copy.source), load_singles)
    return {"replica-singles": [p["raw_seconds"] / p["seconds"] for p in passes]}, passes


def load_writes(copy):
    sysbench.run(*sysbench.command(copy.source.port, "oltp_write_only", 8, "--time=0", "--events=40000",
                                   "--mysql-ignore-errors=1213,1205,1020,1062", "run"))
    return 40000, 160000


def bench_backlog_writes(context):
    """A backlog of 40,000 transactions of oltp_write_only: times the raw stream's transactions a second"""
    passes = backlog(context, "replica-writes", lambda copy: sysbench.prepare(copy.source), load_writes)
    return {"replica-writes": [p["raw_seconds"] / p["seconds"] for p in passes]}, passes


# ---- Live ----

def bench_live(context):
    """oltp_write_only at 8 threads with the copy behind: milliseconds from commit to visible; the source's rate, times that without"""
    with Copy(context) as copy:
        sysbench.prepare(copy.source)
        query(copy.source.port, "CREATE TABLE sbtest.beat (id INT PRIMARY KEY, at BIGINT); INSERT INTO sbtest.beat VALUES (1, 0)")
        seconds = context.seconds or LIVE_SECONDS
        alone = sysbench.measure(copy.source, "oltp_write_only", 8, seconds // 2)
        copy.start()
        copy.wait_live()
        lags, ended = [], threading.Event()

        def beat():
            with copy.source.session("sbtest") as there, copy.pintail.session("sbtest") as here:
                here.sql("SET pintail_route = 'column'")
                number = 1
                while not ended.is_set():
                    number += 1
                    there.sql(f"UPDATE beat SET at = {number} WHERE id = 1")
                    began = time.monotonic()
                    while here.sql(f"SELECT id FROM beat WHERE at = {number}")[0] == 0:
                        if time.monotonic() - began > 60:
                            return
                    lags.append((time.monotonic() - began) * 1000)
                    time.sleep(0.05)
        thread = threading.Thread(target=beat)
        thread.start()
        followed = sysbench.measure(copy.source, "oltp_write_only", 8, seconds)
        ended.set()
        thread.join()
    if len(lags) < 10:
        raise Failed("changes do not become visible")
    ordered = sorted(lags)
    figures = {"replica-live-p50-ms": ordered[len(ordered) // 2], "replica-live-p99-ms": ordered[len(ordered) * 99 // 100],
               "replica-live-source": followed["per_second"] / alone["per_second"]}
    return figures, {"lags_ms": [round(v, 1) for v in lags], "alone": alone, "followed": followed}


# ---- The first copy ----

def bench_snapshot(context):
    """The first copy of 1,000,000 rows: times the rate at which one SELECT * drains them"""
    with Copy(context) as copy:
        prepare_inserts(copy)
        load_inserts(copy)
        with copy.source.session("sbtest") as session:
            drains = [session.sql("SELECT * FROM t") for _ in range(3)]
        rate = statistics.median(rows / seconds for rows, seconds in drains)
        copy.start("--replica-autostart", "false")
        began = time.monotonic()
        copy.columns("START REPLICA")
        copy.wait_live()
        seconds = time.monotonic() - began
        count = int(copy.columns("SELECT COUNT(*) FROM sbtest.t")[0][0])
    if count != SMALL_ROWS:
        raise Failed(f"{count} rows are in the copy")
    return {"replica-snapshot": SMALL_ROWS / seconds / rate}, {"rows_per_second": SMALL_ROWS / seconds, "select_rows_per_second": rate}


BENCHMARKS = {
    "replica-inserts": bench_backlog_inserts,
    "replica-singles": bench_backlog_singles,
    "replica-writes": bench_backlog_writes,
    "replica-live": bench_live,
    "replica-snapshot": bench_snapshot,
}
