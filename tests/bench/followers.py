"""A source with a binary log and those that follow it: Pintail with its copy, native replicas. Backlogs are measured here.

A backlog is what the source has written while all followers stood still. Each then applies it alone, from START REPLICA until
its position is the source's; the raw stream is the same log read by a client that drops it (binlog_drain.c). Positions are
sets of GTIDs, and are counted.
"""

import re
import shutil
import statistics
import subprocess
import time

import pymysql

import sysbench
from servers import OUT, PROGRAMS, Failed, Pintail, Reference, cpu_seconds, fetch_memory, progress

# The sources. Commits are not synced to disk, so that backlogs are written fast.
SOURCE_OPTIONS = {
    "mysql": ("--tls=off", "--binlog", "--innodb-buffer-pool-size=1G", "--innodb-redo-log-capacity=1G", "--max-connections=200",
              "--max-binlog-size=1G", "--binlog-cache-size=1M"),
    "mariadb": ("--tls=off", "--binlog", "--innodb-buffer-pool-size=1G", "--innodb-log-file-size=1G", "--max-connections=200",
                "--max-binlog-size=1G", "--binlog-cache-size=1M"),
}

# The native replicas: what both ways have in common, then by way. Durable is what a server's own defaults give; at best
# nothing is synced, there is no log of its own, and commits need not keep their order.
NATIVE_OPTIONS = {
    "mysql": ("--tls=off", "--server-id=2", "--gtid-mode=ON", "--enforce-gtid-consistency=ON", "--relay-log=relay", "--skip-replica-start",
              "--innodb-buffer-pool-size=1G", "--innodb-buffer-pool-dump-pct=100", "--innodb-redo-log-capacity=1G",
              "--replica-parallel-workers=4"),
    "mariadb": ("--tls=off", "--server-id=2", "--relay-log=relay", "--skip-slave-start", "--innodb-buffer-pool-size=1G",
                "--innodb-buffer-pool-dump-pct=100", "--innodb-log-file-size=1G", "--slave-parallel-threads=4", "--slave-parallel-mode=optimistic"),
}
WAYS = {
    "durable": {
        "mysql": ("--log-bin=binlog", "--sync-binlog=1", "--innodb-flush-log-at-trx-commit=1", "--innodb-doublewrite=ON"),
        "mariadb": ("--log-bin=binlog", "--log-slave-updates", "--sync-binlog=1", "--innodb-flush-log-at-trx-commit=1",
                    "--innodb-doublewrite=ON"),
    },
    "best": {
        "mysql": ("--log-replica-updates=OFF", "--innodb-flush-log-at-trx-commit=0", "--replica-preserve-commit-order=OFF"),
        "mariadb": ("--innodb-flush-log-at-trx-commit=0",),
    },
}
APPLY_SECONDS = 120
SETTLE_SECONDS = 20
POLL_SECONDS = 0.02


def connect(server, database=None):
    return pymysql.connect(host="127.0.0.1", port=server.port, user="root", database=database, autocommit=True)


def rows(connection, sql):
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()
    except pymysql.Error as e:
        raise Failed(f"{sql[:100]}: {e}") from e


def count_transactions(position):
    """Of a set of GTIDs as MySQL writes it, or of the last of each domain as MariaDB does."""
    if ":" not in position:
        return sum(int(gtid.rsplit("-", 1)[1]) for gtid in position.split(",") if gtid.strip())
    return sum(int(last or first) - int(first) + 1 for first, last in re.findall(r":(\d+)(?:-(\d+))?", position))


def settle(*servers):
    """Waits until the processes have written behind what they had to."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        before = [cpu_seconds(server.process_id) for server in servers]
        time.sleep(0.5)
        if all(cpu_seconds(server.process_id) - used <= 0.03 for server, used in zip(servers, before)):
            return


class Follower:
    """Something that applies the source's log between START REPLICA and STOP REPLICA.

    A subclass has session (a connection) and position().
    """

    def count(self):
        return count_transactions(self.position())

    def command(self, sql):
        rows(self.session, sql)

    def wait(self, wanted, seconds=APPLY_SECONDS):
        """[(seconds since now, transactions applied)] until that many are applied, or the time is over."""
        began, seen = time.monotonic(), []
        while True:
            seen.append((time.monotonic() - began, self.count()))
            if seen[-1][1] >= wanted or seen[-1][0] >= seconds:
                return seen
            time.sleep(POLL_SECONDS)

    def catch_up(self, wanted, seconds=600):
        if self.wait(wanted, seconds)[-1][1] < wanted:
            raise Failed(f"{type(self).__name__} does not catch up: {self.position()}")

    def apply(self, wanted, seconds=APPLY_SECONDS):
        """Transactions a second from START REPLICA until all are applied, or in the time given; and from the first commit on."""
        first = self.count()
        fetch_memory()
        began = time.monotonic()
        self.command("START REPLICA")
        started = time.monotonic() - began
        seen = [(at + started, count - first) for at, count in self.wait(wanted, seconds)]
        self.command("STOP REPLICA")
        last_at, last = seen[-1]
        steady = [(at, count) for at, count in seen if count > 0]
        if not steady:
            raise Failed(f"{type(self).__name__} has applied nothing in {last_at:.0f} seconds")
        first_at, first_count = steady[0]
        return {"seconds": last_at, "transactions": last, "transactions_per_second": last / last_at, "first_commit_seconds": first_at,
                "steady_per_second": (last - first_count) / (last_at - first_at) if last > first_count else last / last_at}


def stock(kind, tables):
    """The data directory of a server that has sysbench's tables and no log yet; it stays for the next time."""
    directory = OUT / f"replica-{kind}-{tables[0]}x{tables[1]}"
    stamp = directory / "filled"
    if not stamp.exists():
        progress(f"filling {tables[0]} tables of {tables[1]:,} rows of {kind}")
        shutil.rmtree(directory, ignore_errors=True)
        with Reference(kind, directory, *[option for option in SOURCE_OPTIONS[kind] if "bin" not in option]) as server:
            with connect(server) as session:
                rows(session, "CREATE DATABASE sbtest")
            sysbench.prepare(server, tables)
        (directory / "data/auto.cnf").unlink(missing_ok=True)  # the identity, which each server makes itself
        stamp.touch()
    return directory / "data"


def take_stock(kind, tables, directory):
    """Gives a server that has not been started its data; without tables it begins empty."""
    if tables:
        directory.mkdir(parents=True)
        subprocess.run(["cp", "-a", "--reflink=auto", "--sparse=always", stock(kind, tables), directory / "data"], check=True)


class Native(Follower):
    """A real server as replica, from the first transaction of the source on."""

    def __init__(self, source, directory):
        take_stock(source.kind, source.tables, directory)
        self.source, self.directory, self.server, self.session, self.way = source, directory, None, None, None
        self.restart("best")
        if source.kind == "mysql":
            self.command(f"CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = {source.port}, SOURCE_USER = 'root', "
                         "SOURCE_AUTO_POSITION = 1, SOURCE_SSL = 0, SOURCE_CONNECT_RETRY = 1")
        else:
            self.command(f"CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = {source.port}, MASTER_USER = 'root', "
                         "MASTER_USE_GTID = slave_pos")

    def restart(self, way):
        """Its buffer pool comes back by and by, which settle() waits for."""
        self.stop()
        self.way = way
        kind = self.source.kind
        self.server = Reference(kind, self.directory, *NATIVE_OPTIONS[kind], *WAYS[way][kind])
        self.process_id = self.server.process_id
        self.session = connect(self.server)

    def position(self):
        name = "gtid_executed" if self.source.kind == "mysql" else "gtid_slave_pos"
        return rows(self.session, f"SELECT @@GLOBAL.{name}")[0][0]

    def stop(self):
        if self.server is not None:
            self.session.close()
            self.server.stop()
            self.server = None


class Source(Reference):
    """The server that is followed; its directory is fresh. Its database sbtest is empty or has the tables wanted."""

    def __init__(self, kind, directory, tables):
        take_stock(kind, tables, directory)
        super().__init__(kind, directory, *SOURCE_OPTIONS[kind])
        self.kind, self.tables = kind, tables
        self.connection = connect(self)
        if not tables:
            self.sql("CREATE DATABASE sbtest")

    def sql(self, text):
        return rows(self.connection, text)

    def position(self):
        return self.sql("SELECT @@GLOBAL." + ("gtid_executed" if self.kind == "mysql" else "gtid_binlog_pos"))[0][0]

    def count(self):
        return count_transactions(self.position())

    def new_log(self):
        """The name of a file of the log that has just begun."""
        self.sql("FLUSH BINARY LOGS")
        return self.sql("SHOW BINARY LOG STATUS" if self.kind == "mysql" else "SHOW MASTER STATUS")[0][0]

    def drain(self, file):
        """Seconds in which a client reads the log from there to its end."""
        done = subprocess.run([PROGRAMS / "binlog_drain", str(self.port), file], capture_output=True, text=True)
        if done.returncode:
            raise Failed(done.stderr.strip())
        _, events, size, seconds = done.stdout.split()
        return {"events": int(events), "bytes": int(size), "seconds": float(seconds)}

    def stop(self):
        self.connection.close()
        super().stop()


class Copy(Follower):
    """A source, and Pintail that copies it; both with fresh directories.

    tables is how many of sysbench's tables the source begins with, and the rows of each.
    """

    def __init__(self, context, kind="mysql", tables=None):
        self.directory = OUT / "replica"
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        self.source = Source(kind, self.directory / "source", tables)
        self.context, self.pintail, self.session, self.native = context, None, None, None

    def scaled(self, count):
        """A number of rows or transactions; fewer on trial (--scale)."""
        return max(1, int(count * self.context.scale))

    def start(self, *options):
        self.pintail = Pintail(self.context.pintail, self.directory / "copy", "--storage", "hybrid", "--mysql-host", "127.0.0.1",
                               "--mysql-port", self.source.port, "--mysql-user", "root", *options)
        self.session = self.connect()

    def connect(self):
        """A session that reads the copy, as it is at the moment."""
        session = connect(self.pintail)
        rows(session, "SET pintail_route = 'column'")
        rows(session, "SET pintail_freshness = 'eventual'")
        return session

    def add_native(self):
        """A native replica that has followed from the start, beside."""
        self.native = Native(self.source, self.directory / "native")
        self.native.command("START REPLICA")

    def stop(self):
        if self.pintail is not None:
            if self.session is not None:
                self.session.close()
            self.pintail.stop()
            self.pintail = self.session = None

    def columns(self, sql):
        return rows(self.session, sql)

    def position(self):
        """Asked for often: a SELECT of pintail.replica would take a twentieth of the processors from what is measured."""
        with self.session.cursor(pymysql.cursors.DictCursor) as cursor:
            cursor.execute("SHOW REPLICA STATUS")
            status = cursor.fetchall()
        return status[0]["Executed_Gtid_Set" if self.source.kind == "mysql" else "Gtid_IO_Pos"] if status else ""

    def wait_live(self, seconds=600, poll=POLL_SECONDS):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            live, others, error = self.columns("SELECT tables_live, tables_pending + tables_loading, COALESCE(apply_error, read_error) "
                                               "FROM pintail.replica")[0]
            if int(live) > 0 and int(others) == 0:
                return
            if error:
                raise Failed(f"the copy has stopped: {error}")
            time.sleep(poll)
        raise Failed("the copy is not complete")

    def followers(self):
        return [follower for follower in (self, self.native) if follower is not None]

    def close(self):
        self.stop()
        if self.native is not None:
            self.native.stop()
        self.source.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- A backlog ----

    def stop_replicas(self):
        """When all that was written so far is in them."""
        wanted = self.source.count()
        for follower in self.followers():
            follower.catch_up(wanted)
            follower.command("STOP REPLICA")

    def start_replicas(self):
        for follower in self.followers():
            follower.command("START REPLICA")

    def write_backlog(self, load):
        """load() writes. Returns what is to be applied: transactions, the raw stream, and the source's count at the end."""
        self.stop_replicas()
        file, before = self.source.new_log(), self.source.count()
        load()
        wanted = self.source.count()
        settle(self.source, *([self.native] if self.native else []))
        self.source.drain(file)  # into the page cache
        raw = self.source.drain(file)
        return {"transactions": wanted - before, "raw": raw, "raw_transactions_per_second": (wanted - before) / raw["seconds"]}, wanted

    def measure_backlog(self, name, load):
        """load() writes and returns how many rows it has changed. Returns what Pintail made of it."""
        changes = []
        figures, wanted = self.write_backlog(lambda: changes.append(load()))
        applied = self.apply(wanted)
        if applied["transactions"] != figures["transactions"]:
            raise Failed(f"{applied['transactions']} of {figures['transactions']} transactions were applied")
        a_transaction = changes[0] / figures["transactions"]
        figures.update(applied, row_changes=changes[0], row_changes_per_second=applied["transactions_per_second"] * a_transaction,
                       steady_row_changes_per_second=applied["steady_per_second"] * a_transaction)
        progress(f"{name}: " + ", ".join(f"{k} {v:,.2f}" for k, v in figures.items() if not isinstance(v, dict)))
        return figures, wanted


def median_of(passes, key):
    return statistics.median(p[key] for p in passes)
