"""Benchmarks of the columnar copy: how fast it catches up with a backlog, how far it is behind live, the first copy.

The source is a MySQL 9.7 with GTIDs and row format, where nothing else is said. The parties are in followers.py, native replicas
beside Pintail in natives.py.
"""

import shutil
import statistics
import threading
import time

import sysbench
from followers import Copy, connect, rows
from servers import Failed, memory, progress, reset_peak

ROUNDS = 3
ROW_COLUMNS = "b INT, c INT, d BIGINT, e DECIMAL(12,2), f DATETIME, g VARCHAR(40), h CHAR(20)"
# From a table of the numbers to 1,000, called a.
ROW_VALUES = ("a.n, a.n * 7, a.n * 1000003, a.n * 1.25, '2024-01-01' + INTERVAL a.n SECOND, CONCAT('a text of some length ', a.n), "
              "CONCAT('code ', a.n)")
INSERT_ROWS = f"INSERT INTO t (b, c, d, e, f, g, h) SELECT {ROW_VALUES} FROM numbers a "
INSERTS, INSERT_BATCH = 4_000_000, 1000
SINGLES = 600_000
WRITES = 300_000
# Tables of sysbench, and the rows of each.
LARGE = (2, 1_000_000)
WRITERS = 4
LIVE_SECONDS = 60
ALONE_SECONDS = 20
BEAT_SECONDS = 0.02
IDLE_SECONDS, IDLE_BEAT_SECONDS = 6, 0.25
SNAPSHOT_ROWS = 8_000_000
LARGE_SNAPSHOT_ROWS = 100_000_000
# Else DuckDB keeps as much of what was copied as it may, 60 % of the machine's memory.
LARGE_SNAPSHOT_OPTIONS = ("--storage-duckdb-memory-limit", "512MB")
SNAPSHOT_POLL_SECONDS = 0.1  # Each look takes 2 milliseconds of a CPU that the copy needs.


def backlog(context, name, load, prepare=None, before=None, tables=None):
    """What Pintail made of some backlogs; before() readies the source for each while the copy follows."""
    with Copy(context, tables=tables) as copy:
        if prepare:
            prepare(copy)
        copy.start()
        copy.wait_live()
        passes = []
        for number in range(context.rounds or ROUNDS):
            progress(f"{name}: writing backlog {number + 1}")
            if before:
                before(copy)
            passes.append(copy.measure_backlog(name, lambda: load(copy))[0])
            copy.start_replicas()
        return passes


def beside_raw(name, passes):
    """The figures of a backlog of small transactions."""
    return {name: [p["transactions_per_second"] / p["raw_transactions_per_second"] for p in passes],
            f"{name}-thousand-per-second": [p["row_changes_per_second"] / 1000 for p in passes],
            f"{name}-raw-thousand-per-second": [p["raw_transactions_per_second"] / 1000 for p in passes]}


# ---- Insert-only ----

def prepare_inserts(copy):
    copy.source.sql("USE sbtest")
    copy.source.sql(f"CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, {ROW_COLUMNS})")
    copy.source.sql("CREATE TABLE numbers (n INT PRIMARY KEY)")
    copy.source.sql("INSERT INTO numbers WITH RECURSIVE r AS (SELECT 1 n UNION ALL SELECT n + 1 FROM r WHERE n < 1000) SELECT n FROM r")
    copy.source.sql("CREATE PROCEDURE fill(transactions INT, size INT) BEGIN DECLARE i INT DEFAULT 0; WHILE i < transactions DO "
                    f"IF size = 1 THEN {INSERT_ROWS} WHERE a.n = 1 + i % 1000; "
                    f"ELSEIF size <= 1000 THEN {INSERT_ROWS} WHERE a.n <= size; "
                    f"ELSE {INSERT_ROWS} JOIN numbers b ON b.n <= size / 1000; END IF; SET i = i + 1; END WHILE; END")


def empty_table(copy):
    """What an earlier backlog has left; the followers run."""
    copy.source.sql("TRUNCATE TABLE sbtest.t")


def write_beside(copy, writers, write):
    """write(session) in several sessions of the source at a time."""
    failed = []

    def run():
        try:
            with connect(copy.source, "sbtest") as session:
                write(session)
        except Failed as e:
            failed.append(e)
    threads = [threading.Thread(target=run) for _ in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def fill(copy, transactions, size, writers=1):
    """Inserts in transactions of that many rows, by several sessions at a time."""
    write_beside(copy, writers, lambda session: rows(session, f"CALL fill({transactions // writers}, {size})"))
    return transactions // writers * writers * size


def load_inserts(copy, count=INSERTS):
    return fill(copy, copy.scaled(count // INSERT_BATCH), INSERT_BATCH, 2)


def bench_backlog_inserts(context):
    """A backlog of 4,000,000 rows in transactions of 1,000: million row changes a second applied; also from the first commit on"""
    passes = backlog(context, "replica-inserts", load_inserts, prepare_inserts, empty_table)
    return {"replica-inserts-million-per-second": [p["row_changes_per_second"] / 1e6 for p in passes],
            "replica-inserts-steady-million-per-second": [p["steady_row_changes_per_second"] / 1e6 for p in passes]}, passes


# Rows a transaction, and transactions of a backlog.
SIZES = {1: 60_000, 10: 30_000, 100: 10_000, 1000: 2_000, 10_000: 200}


def bench_transactions(context):
    """Backlogs of inserts in transactions of 1, 10, 100, 1,000, 10,000 rows: thousand row changes a second applied"""
    found, raw = {size: [] for size in SIZES}, []
    with Copy(context) as copy:
        prepare_inserts(copy)
        copy.start()
        copy.wait_live()
        for _ in range(context.rounds or 2):
            for size, transactions in SIZES.items():
                empty_table(copy)
                passed, _ = copy.measure_backlog(f"{size} rows", lambda: fill(copy, copy.scaled(transactions), size, WRITERS if size <= 100 else 2))
                found[size].append(passed["row_changes_per_second"] / 1000)
                raw.append({"rows_a_transaction": size, **passed})
                copy.start_replicas()
    return ({f"replica-transactions-{size}-thousand-per-second": values for size, values in found.items()},
            {"passes": raw, "curves": {"replica-transactions": {
                "title": "Catching up with inserts, by transaction size", "unit": "thousand row changes a second",
                "foot": "rows a transaction", "logarithmic": True, "series": {"inserts": list(found.items())}}}})


def load_singles(copy, transactions=SINGLES):
    count = copy.scaled(transactions)
    sysbench.run(*sysbench.command(copy.source.port, "oltp_insert", 8, "--time=0", f"--events={count}", "run"))
    return count


def bench_backlog_singles(context):
    """A backlog of 600,000 transactions of one inserted row: times the raw stream's transactions a second"""
    passes = backlog(context, "replica-singles", load_singles, lambda copy: sysbench.prepare(copy.source))
    return beside_raw("replica-singles", passes), passes


# ---- sysbench's writes ----

def large(context):
    return LARGE[0], max(1, int(LARGE[1] * context.scale))


def load_writes(copy, transactions=WRITES):
    count = copy.scaled(transactions)
    sysbench.run(*sysbench.command(copy.source.port, "oltp_write_only", 8, "--time=0", f"--events={count}",
                                   "--mysql-ignore-errors=1213,1205,1020,1062", "run", tables=copy.source.tables))
    return 4 * count


def bench_backlog_writes(context):
    """A backlog of 300,000 transactions of oltp_write_only on tables of a million rows: times the raw stream's transactions a second"""
    passes = backlog(context, "replica-writes", load_writes, tables=large(context))
    return beside_raw("replica-writes", passes), passes


# ---- Live ----

class Beat:
    """Commits a number every few milliseconds on the source and looks for it in the copy, each on a thread of its own."""

    def __init__(self, copy, pause=BEAT_SECONDS):
        self.copy, self.pause, self.ended, self.error = copy, pause, threading.Event(), None
        self.committed, self.lags = [], []  # (when, number); (when committed, milliseconds to visible)
        self.first = copy.source.sql("SELECT at FROM sbtest.beat")[0][0]
        self.began = time.monotonic()
        self.threads = [threading.Thread(target=self.run, args=(work,)) for work in (self.write, self.read)]
        for thread in self.threads:
            thread.start()

    def run(self, work):
        try:
            work()
        except Exception as e:  # it is raised in end()
            self.error = e

    def write(self):
        with connect(self.copy.source, "sbtest") as session:
            number = self.first
            while not self.ended.is_set():
                number += 1
                rows(session, f"UPDATE beat SET at = {number} WHERE id = 1")
                self.committed.append((time.monotonic(), number))
                time.sleep(self.pause)

    def read(self):
        at, deadline = 0, None
        with self.copy.connect() as session:
            while not self.ended.is_set() or at < len(self.committed):
                seen = int(rows(session, "SELECT at FROM sbtest.beat WHERE id = 1")[0][0])
                now = time.monotonic()
                while at < len(self.committed) and self.committed[at][1] <= seen:
                    self.lags.append((self.committed[at][0] - self.began, (now - self.committed[at][0]) * 1000))
                    at += 1
                if self.ended.is_set():
                    deadline = deadline or now + 60
                    if now > deadline:
                        raise Failed("changes do not become visible")
                time.sleep(0.005)

    def end(self):
        self.ended.set()
        for thread in self.threads:
            thread.join()
        if self.error:
            raise Failed(f"the lag cannot be measured: {self.error}")
        return self.lags


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def by_second(lags):
    """{party: [(second, [milliseconds])]}"""
    seconds = {}
    for at, lag in lags:
        seconds.setdefault(int(at), []).append(lag)
    return {"p50": [(second, [quantile(values, 0.5)]) for second, values in sorted(seconds.items())],
            "p99": [(second, [quantile(values, 0.99)]) for second, values in sorted(seconds.items())]}


def growth(lags):
    """The median of the last third over that of the first."""
    third = len(lags) // 3
    return quantile([lag for _, lag in lags[-third:]], 0.5) / quantile([lag for _, lag in lags[:third]], 0.5)


def bench_live(context):
    """oltp_write_only at 8 threads with the copy behind: milliseconds from commit to visible, the source's rate ÷ that without"""
    seconds = context.seconds or LIVE_SECONDS
    alone_seconds = min(ALONE_SECONDS, seconds)
    with Copy(context) as copy:
        sysbench.prepare(copy.source)
        copy.source.sql("CREATE TABLE sbtest.beat (id INT PRIMARY KEY, at BIGINT)")
        copy.source.sql("INSERT INTO sbtest.beat VALUES (1, 0)")
        copy.start()
        copy.wait_live()

        def alone():
            copy.stop_replicas()
            return sysbench.measure(copy.source, "oltp_write_only", 8, alone_seconds)
        before = alone()
        copy.start_replicas()
        copy.catch_up(copy.source.count())
        beat = Beat(copy, IDLE_BEAT_SECONDS)
        time.sleep(IDLE_SECONDS)
        idle = [lag for _, lag in beat.end()]
        beat = Beat(copy)
        followed = sysbench.measure(copy.source, "oltp_write_only", 8, seconds)
        lags = beat.end()
        after = alone()
    values = [lag for _, lag in lags]
    if len(values) < 30:
        raise Failed("changes do not become visible")
    figures = {"replica-live-idle-ms": quantile(idle, 0.5), "replica-live-p50-ms": quantile(values, 0.5), "replica-live-p99-ms": quantile(values, 0.99), "replica-live-growth": growth(lags),
               "replica-live-source": followed["per_second"] / statistics.mean((before["per_second"], after["per_second"]))}
    return figures, {"alone": [before, after], "followed": followed, "lags": len(lags), "idle_ms": idle, "curves": {"replica-lag": {
        "title": "oltp_write_only at 8 threads: from commit to visible", "unit": "milliseconds", "foot": "seconds of the load",
        "logarithmic": False, "series": by_second(lags)}}}


# ---- The first copy ----

class Writer:
    """Updates rows all over the table while it is copied, and times each commit."""

    def __init__(self, copy, last_id):
        self.copy, self.last_id, self.ended, self.times = copy, last_id, threading.Event(), []
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        with connect(self.copy.source, "sbtest") as session:
            key = 0
            while not self.ended.is_set():
                key = (key + 104_729) % self.last_id
                began = time.monotonic()
                rows(session, f"UPDATE t SET b = b + 1 WHERE id >= {key} ORDER BY id LIMIT 1")
                self.times.append(time.monotonic() - began)
                time.sleep(0.002)

    def end(self):
        self.ended.set()
        self.thread.join()
        return self.times


def snapshot(copy, count, last_id, patience=600, options=()):
    """One first copy into a fresh directory with a write going on: seconds, memory at its peak, what writes had to wait."""
    shutil.rmtree(copy.directory / "copy", ignore_errors=True)
    copy.start("--replica-autostart", "false", *options)
    writer = Writer(copy, last_id)
    time.sleep(0.5)
    reset_peak(copy.pintail.process_id)
    before = len(writer.times)
    began = time.monotonic()
    copy.command("START REPLICA")
    copy.wait_live(patience, poll=SNAPSHOT_POLL_SECONDS)
    seconds = time.monotonic() - began
    peak = memory(copy.pintail.process_id, "VmHWM")
    during = writer.end()[before:]
    copy.catch_up(copy.source.count())
    sums = "SELECT COUNT(*), SUM(b), SUM(id), SUM(d) FROM sbtest.t"
    ours, theirs = copy.columns(sums), copy.source.sql(sums)
    copy.stop()
    if [int(v) for v in ours[0]] != [int(v) for v in theirs[0]]:
        raise Failed(f"the copy has {ours[0]}, the source {theirs[0]}")
    return {"seconds": seconds, "rows_per_second": count / seconds, "peak_mib": peak, "writes": len(during),
            "writes_per_second": len(during) / seconds, "blocked_ms": max(during, default=seconds) * 1000}


def bench_snapshot(context):
    """The first copy of 8,000,000 rows with a write going on: times the rate of SELECT *; peak MiB; longest wait of a write, ms"""
    with Copy(context) as copy:
        prepare_inserts(copy)
        count = load_inserts(copy, SNAPSHOT_ROWS)
        last_id = copy.source.sql("SELECT MAX(id) FROM sbtest.t")[0][0]
        with copy.source.session("sbtest") as session:
            session.sql("SELECT * FROM t")
            drains = [session.sql("SELECT * FROM t") for _ in range(3)]
        rate = statistics.median(found / seconds for found, seconds in drains)
        passes = []
        for _ in range(context.rounds or ROUNDS):
            passes.append(snapshot(copy, count, last_id))
            progress("replica-snapshot: " + ", ".join(f"{k} {v:,.1f}" for k, v in passes[-1].items()))
    return ({"replica-snapshot": [p["rows_per_second"] / rate for p in passes], "replica-snapshot-peak-mib": [p["peak_mib"] for p in passes],
             "replica-snapshot-blocked-ms": max(p["blocked_ms"] for p in passes)},
            {"select_rows_per_second": rate, "rows": count, "passes": passes})


def fill_large(copy, millions):
    """A table of that many million narrow rows, or up to three more; not through the log, which nobody reads."""
    def write(session):
        rows(session, "SET sql_log_bin = 0")
        for _ in range(-(-millions // WRITERS)):
            rows(session, "INSERT INTO t (b, d) SELECT a.n, a.n * 1000003 + b.n FROM numbers a JOIN numbers b")
    prepare_inserts(copy)
    copy.source.sql("DROP TABLE t")
    copy.source.sql("CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, b INT, d BIGINT)")
    write_beside(copy, WRITERS, write)
    return copy.source.sql("SELECT COUNT(*), MAX(id) FROM sbtest.t")[0]


def bench_large_snapshot(context):
    """The first copy of 100,000,000 narrow rows, once: times the rate of SELECT *; peak MiB; longest wait of a write, ms"""
    with Copy(context) as copy:
        millions = copy.scaled(LARGE_SNAPSHOT_ROWS // 1_000_000)
        progress(f"replica-large-snapshot: writing {millions} million rows")
        count, last_id = fill_large(copy, millions)
        if count < millions * 1_000_000:
            raise Failed(f"the source has {count} rows")
        with copy.source.session("sbtest") as session:
            found, seconds = session.sql("SELECT * FROM t")
        rate = found / seconds
        passed = snapshot(copy, count, last_id, 3600, LARGE_SNAPSHOT_OPTIONS)
        progress("replica-large-snapshot: " + ", ".join(f"{k} {v:,.1f}" for k, v in passed.items()))
    return ({"replica-large-snapshot": passed["rows_per_second"] / rate, "replica-large-snapshot-peak-mib": passed["peak_mib"],
             "replica-large-snapshot-blocked-ms": passed["blocked_ms"]},
            {"select_rows_per_second": rate, "rows": count, "passes": [passed]})


BENCHMARKS = {
    "replica-inserts": bench_backlog_inserts,
    "replica-singles": bench_backlog_singles,
    "replica-writes": bench_backlog_writes,
    "replica-transactions": bench_transactions,
    "replica-live": bench_live,
    "replica-snapshot": bench_snapshot,
    "replica-large-snapshot": bench_large_snapshot,
}
