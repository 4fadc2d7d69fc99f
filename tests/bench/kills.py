"""Benchmark of KILL: how long statements of each kind go on after it."""

import subprocess

from servers import PROGRAMS, Failed, Pintail, progress

COUNT = 40
DATABASE_COLLATION = "utf8mb4_0900_ai_ci"

# What runs when the KILL comes. All take a second or so at scale factor 1.
STATEMENTS = {
    "scan": "SELECT COUNT(*) FROM lineitem a WHERE l_comment LIKE '%s_e%c_a%' OR REVERSE(l_comment) LIKE '%x_q%z%'",
    "join": "SELECT COUNT(*) FROM lineitem a JOIN lineitem b ON a.l_partkey = b.l_partkey AND a.l_quantity < b.l_quantity"
            " JOIN orders ON a.l_orderkey = o_orderkey",
    "nested-loop": "SELECT COUNT(*) FROM orders a JOIN customer b ON a.o_totalprice < b.c_acctbal AND a.o_custkey > b.c_custkey",
    "semi-join": "SELECT COUNT(*) FROM lineitem WHERE l_comment NOT IN (SELECT o_comment FROM orders)",
    "sort": "SELECT l_comment FROM lineitem ORDER BY l_comment, l_orderkey LIMIT 3 OFFSET 5000000",
    "window": "SELECT MAX(n) FROM (SELECT ROW_NUMBER() OVER (PARTITION BY l_suppkey ORDER BY l_comment) n FROM lineitem) w",
    "group": "SELECT COUNT(*) FROM (SELECT l_comment, COUNT(*) n FROM lineitem GROUP BY l_comment) g",
    "distinct": "SELECT COUNT(DISTINCT l_comment, l_shipdate) FROM lineitem",
    "group-concat": "SELECT LENGTH(GROUP_CONCAT(l_comment ORDER BY l_comment)) FROM lineitem",
    "insert-select": "INSERT INTO copies SELECT l_orderkey, l_partkey, l_comment FROM lineitem",
    "update": "UPDATE orders SET o_totalprice = o_totalprice + 1",
}


def percentiles(samples):
    samples = sorted(samples)
    return {f"p{p}_ms": round(samples[min(len(samples) - 1, len(samples) * p // 100)] / 1000, 2) for p in (50, 95, 99)}


def bench_kill(context):
    """Milliseconds from KILL QUERY to the error, at the 95th percentile, by what the statement does"""
    count = COUNT if context.rounds is None else context.rounds
    figures, raw = {}, {}
    with Pintail(context.pintail, context.store) as server:
        database = context.load_pintail(server, DATABASE_COLLATION)
        with server.session(database) as session:
            session.sql("CREATE TABLE IF NOT EXISTS copies (a BIGINT, b BIGINT, c VARCHAR(44))")
        for name, sql in STATEMENTS.items():
            command = [PROGRAMS / "kill", server.port, database, count, sql]
            done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
            if done.returncode != 0:
                raise Failed(f"{name}: {done.stderr.strip()}")
            lines = done.stdout.split("\n")
            samples = [int(line) for line in lines[1:] if line.isdigit()]
            raw[name] = {"undisturbed_seconds": float(lines[0].split()[1]), "kills": len(samples), **percentiles(samples),
                         "longest_ms": max(samples) / 1000, "others_longest_ms": float(lines[-2].split()[1]) * 1000}
            progress(f"kill: {name}: " + ", ".join(f"{k} {v:.1f}" for k, v in raw[name].items()))
            figures[f"kill-{name}-p95-ms"] = raw[name]["p95_ms"]
    return figures, raw
