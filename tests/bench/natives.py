"""Benchmarks of the columnar copy beside native replicas: a backlog of one source, applied by Pintail and by a real server.

Both follow the same server and stand still while it writes; then each applies the backlog alone. A native replica's best and its
durable way are those of followers.py.
"""

import replica
import sysbench
from followers import Copy
from servers import Failed, progress

ROUNDS = 3
# A replica that has not applied a backlog in that time is measured by what it has applied.
NATIVE_SECONDS = 25
INSERTS, SINGLES, WRITES = 2_000_000, 100_000, 100_000


def measure(copy, name, load, way):
    """Transactions a second of Pintail and of the native replica, which restarts for the way."""
    if copy.native.way != way:
        copy.stop_replicas()
        copy.native.restart(way)
        copy.start_replicas()
    ours, wanted = copy.measure_backlog(name, load)
    theirs = copy.native.apply(wanted, NATIVE_SECONDS)
    progress(f"{name}: native, {way}: " + ", ".join(f"{k} {v:,.2f}" for k, v in theirs.items()))
    copy.start_replicas()
    return {"way": way, "pintail": ours, "native": theirs, "native_row_changes_per_second":
            theirs["transactions_per_second"] * ours["row_changes"] / ours["transactions"],
            "ratio": ours["transactions_per_second"] / theirs["transactions_per_second"]}


def compare(context, name, kind, load, prepare=None, before=None, tables=None):
    """The last round is with the native replica durable, the others at its best."""
    count = max(2, context.rounds or ROUNDS)
    with Copy(context, kind, tables) as copy:
        copy.add_native()
        if prepare:
            prepare(copy)
        copy.start()
        copy.wait_live()
        passes = []
        for number in range(count):
            if before:
                before(copy)
            passes.append(measure(copy, name, lambda: load(copy), "durable" if number == count - 1 else "best"))
    if any(p["native"]["transactions"] == 0 for p in passes):
        raise Failed("the native replica has applied nothing")
    return {name: [p["ratio"] for p in passes if p["way"] == "best"],
            f"{name}-durable": [p["ratio"] for p in passes if p["way"] == "durable"]}, passes


def load_inserts(copy):
    return replica.load_inserts(copy, INSERTS)


def load_singles(copy):
    return replica.load_singles(copy, SINGLES)


def load_writes(copy):
    return replica.load_writes(copy, WRITES)


def bench_inserts(context):
    """A backlog of inserts, 1,000 rows a transaction: times a native MySQL replica's rate at its best; -durable with its commits synced"""
    return compare(context, "replica-native-inserts", "mysql", load_inserts, replica.prepare_inserts, replica.empty_table)


def bench_singles(context):
    """A backlog of 100,000 one-row inserts: times a native MySQL replica's rate at its best; -durable with its commits synced"""
    return compare(context, "replica-native-singles", "mysql", load_singles, lambda copy: sysbench.prepare(copy.source))


def bench_writes(context):
    """A backlog of oltp_write_only, tables of a million rows: times a native MySQL replica's rate at its best; -durable, synced"""
    return compare(context, "replica-native-writes", "mysql", load_writes, tables=replica.large(context))


def bench_mariadb(context):
    """The same backlog on a MariaDB 10.11, which Pintail and a native MariaDB replica follow: times its rate"""
    return compare(context, "replica-native-mariadb", "mariadb", load_writes, tables=replica.large(context))


BENCHMARKS = {
    "replica-native-inserts": bench_inserts,
    "replica-native-singles": bench_singles,
    "replica-native-writes": bench_writes,
    "replica-native-mariadb": bench_mariadb,
}
