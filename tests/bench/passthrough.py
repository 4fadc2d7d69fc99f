"""Benchmarks of passthrough: Pintail's relay against the upstream itself, HAProxy, MySQL's router, on one upstream.

Each round runs every backend once, another one first each time, so that what else the machine does meets all of them;
figures are medians of the rounds' ratios. A backend that is not there, or fails, is left out with a message.
"""

import contextlib
import os
import pathlib
import statistics
import subprocess
import tempfile

import pymysql

import backends
import sysbench
import tpch
from servers import OUT, PROGRAMS, Failed, memory, pin, progress, reset_peak

ROUNDS = 5
SECONDS = 3
CONNECTIONS = (1, 8, 64, 256)
WARM_UP_SECONDS = 1

# Workload name in figures: sysbench's script.
SCRIPTS = {"point": "oltp_point_select", "ro": "oltp_read_only", "rw": "oltp_read_write", "wo": "oltp_write_only"}

# Queries by name; a question mark is a random number up to the number of rows.
QUERIES = {
    "point": "SELECT * FROM orders WHERE id = ?",
    "range": "SELECT id, day, amount FROM orders WHERE id >= ? ORDER BY id LIMIT 100",
    "scan": "SELECT * FROM orders",
    "aggregation": "SELECT COUNT(*), COUNT(amount), SUM(amount), MIN(day), MAX(note) FROM orders WHERE amount > 10",
    "join": "SELECT c.region, COUNT(*), SUM(o.amount), MAX(o.day) FROM orders o JOIN customer c ON c.id = o.customer_id "
            "GROUP BY c.region ORDER BY c.region",
}
# Long ones with few connections, so that enough of them end in the time.
QUERY_CONNECTIONS = {"point": 8, "range": 8, "scan": 2, "aggregation": 2, "join": 2}

STREAM_ROWS = 1 << 20
# 1,024 bytes a row with its length bytes.
STREAM_QUERY = "SELECT REPEAT('x', 1021) FROM bench.orders a, bench.customer b WHERE a.id <= 16384 AND b.id <= 64"
IDLE_SESSIONS = 5000
IDLE_TLS_SESSIONS = 1000
IDLE_UPSTREAM_CONNECTIONS = 50
IDLE_OPTIONS = ("--pool-mode", "transaction", "--storage-mysql-max-open-conns", IDLE_UPSTREAM_CONNECTIONS)
TPCH_SCALE = 0.1


class Bench:
    """The upstream, and the backends in front of it, which start when they are first asked for."""

    def __init__(self, context):
        self.context = context
        self.stack = contextlib.ExitStack()
        self.directory = pathlib.Path(self.stack.enter_context(tempfile.TemporaryDirectory(dir=OUT, prefix="proxies.")))
        self.upstream = self.stack.enter_context(backends.start_upstream(context.upstream, sysbench.prepare))
        self.running, self.missing = {}, {}

    def start(self, name):
        directory = self.directory / name
        directory.mkdir()
        try:
            server = backends.BACKENDS[name](self.context, self.upstream, directory)
        except (Failed, OSError, subprocess.CalledProcessError) as e:
            progress(f"{name} is left out: {e}")
            self.missing[name] = str(e)
            return
        self.running[name] = self.stack.enter_context(server)

    def take(self, *but):
        """The chosen backends, by name."""
        for name in self.context.backends:
            if name not in but and name not in self.running and name not in self.missing:
                self.start(name)
        return {name: self.running[name] for name in self.context.backends if name in self.running and name not in but}

    def close(self):
        self.stack.close()


class Comparison:
    """The results of a workload by backend, one a round, and what to make of them."""

    def __init__(self, name, parties, rounds):
        self.failed = {}
        self.results = {party: [] for party in parties}
        for number in range(rounds):
            progress(f"{name}: round {number + 1} of {rounds}")
            for at in range(len(parties)):
                self.run(list(parties)[(number + at) % len(parties)], parties)

    def run(self, party, parties):
        if party in self.failed:
            return
        try:
            self.results[party].append(parties[party]())
        except Failed as e:
            progress(f"{party} FAILED: {e}")
            self.failed[party] = str(e)
            del self.results[party]

    def ratio(self, ours, theirs, field="per_second"):
        """By round; empty when one side is not there."""
        pairs = zip(self.results.get(ours, []), self.results.get(theirs, []))
        return [a[field] / b[field] for a, b in pairs if b[field]]

    def samples(self, workload, connections):
        """As the CSV file has them."""
        return [{"backend": party, "workload": workload, "connections": connections, "round": number + 1, **result}
                for party, results in self.results.items() for number, result in enumerate(results)]

    def raw(self, workload, connections):
        for party, results in self.results.items():
            progress(f"  {party:8} " + "  ".join(f"{field} {statistics.median(r[field] for r in results):,.1f}"
                                                for field in ("per_second", "p50_us", "p95_us", "p99_us")
                                                if results and field in results[0]))
        return {"samples": self.samples(workload, connections), "failed": self.failed}


def figures(**lists):
    """Without those that could not be measured."""
    return {name.replace("_", "-"): values for name, values in lists.items() if values}


def bench_script(context, short, connections):
    bench, seconds = context.passthrough(), context.seconds or SECONDS
    script, servers = SCRIPTS[short], bench.take("duckdb") if short in ("rw", "wo") else bench.take()
    parties = {name: (lambda server=server: sysbench.measure(server, script, connections, seconds))
               for name, server in servers.items()}
    for server in servers.values():
        with contextlib.suppress(Failed):
            sysbench.measure(server, script, connections, WARM_UP_SECONDS)
    found = Comparison(f"{script}, {connections} connections", parties, context.rounds or ROUNDS)
    ratios = figures(**{f"proxy-{short}-{connections}": found.ratio("pintail", "haproxy"),
                        f"router-{short}-{connections}": found.ratio("pintail", "router"),
                        f"direct-{short}-{connections}": found.ratio("pintail", "direct")})
    return ratios, found.raw(script, connections)


# ---- Queries, and whether the answers are equal ----

def bench_query(context, name):
    bench, seconds, connections = context.passthrough(), context.seconds or SECONDS, QUERY_CONNECTIONS[name]
    query = ("bench", QUERIES[name], backends.ORDERS)
    parties = {party: (lambda server=server: server.rate("query", connections, seconds, query=query))
               for party, server in bench.take().items()}
    found = Comparison(f"{name}, {connections} connections", parties, context.rounds or ROUNDS)
    ratios = figures(**{f"proxy-query-{name}": found.ratio("pintail", "haproxy"),
                        f"router-query-{name}": found.ratio("pintail", "router"),
                        f"direct-query-{name}": found.ratio("pintail", "direct")})
    return ratios, found.raw(f"query {name}", connections)


def answer(server, database, text):
    """The columns' descriptions, and the rows as text."""
    connection = pymysql.connect(host="127.0.0.1", port=server.port, user="root", database=database, conv={}, charset="utf8mb4")
    try:
        with connection.cursor() as cursor:
            cursor.execute(text)
            return cursor.description, cursor.fetchall()
    except pymysql.Error as e:
        raise Failed(f"{text}: {e}") from e
    finally:
        connection.close()


def difference(name, theirs, ours):
    """What is not equal, or None. Of the embedded store, only the names of columns and the rows have to be."""
    if name == "duckdb":
        theirs, ours = ([column[0] for column in theirs[0]], theirs[1]), ([column[0] for column in ours[0]], ours[1])
    if theirs[0] != ours[0]:
        return f"columns are {ours[0]}, not {theirs[0]}"
    if theirs[1] == ours[1]:
        return None
    at = next((i for i, (a, b) in enumerate(zip(theirs[1], ours[1])) if a != b), min(len(theirs[1]), len(ours[1])))
    return f"{len(ours[1])} rows and {len(theirs[1])}; row {at} is {ours[1][at:at + 1]}, not {theirs[1][at:at + 1]}"


def compare_answers(servers, upstream, database, texts):
    """(checked, [differences]) of every backend against the upstream."""
    checked, differences = 0, []
    for text in texts:
        expected = answer(upstream, database, text)
        for name, server in servers.items():
            checked += 1
            try:
                found = difference(name, expected, answer(server, database, text))
            except Failed as e:
                found = str(e)
            if found:
                differences.append(f"{name}: {text}: {found}")
                progress(f"answers differ: {differences[-1]}")
    return checked, differences


def bench_answers(context):
    """Queries of the other benchmarks on all backends: the share of answers that equal the upstream's"""
    bench = context.passthrough()
    servers = bench.take("direct")
    if not servers:
        raise Failed("no backend besides the upstream is there")
    texts = [text.replace("?", str(number)) for text in QUERIES.values()
             for number in ((1, 20, 777, backends.ORDERS, backends.ORDERS + 1) if "?" in text else (0,))]
    checked, differences = compare_answers(servers, bench.upstream, "bench", texts)
    return {"proxy-answers": [1 - len(differences) / checked]}, {"checked": checked, "differences": differences}


# ---- One connection, connecting ----

def bench_latency(context):
    """What a proxy adds to a point query on one connection: times what HAProxy adds"""
    bench, seconds = context.passthrough(), context.seconds or 1.5
    servers, query = bench.take("duckdb"), ("bench", QUERIES["point"], backends.ORDERS)
    cpus = sorted(os.sched_getaffinity(0))
    ratios, raw = {}, {"samples": [], "failed": {}}
    # On one CPU nothing but the work counts; apart, waking another CPU comes twice with a proxy.
    for suffix, upstream_cpus, proxy_cpus in (("1", {cpus[0]}, {cpus[0]}), ("1-apart", {cpus[0]}, {cpus[-1]})):
        def measure(server):
            return server.rate("query", 1, seconds, upstream_cpus, query)
        for server in servers.values():
            pin(server.process_id, proxy_cpus)
        pin(bench.upstream.process_id, upstream_cpus)
        try:
            found = Comparison(f"latency, {suffix}", {name: (lambda server=server: measure(server))
                                                      for name, server in servers.items()}, context.rounds or 2 * ROUNDS)
        finally:
            for server in [bench.upstream, *servers.values()]:
                pin(server.process_id, set(cpus))
        entry = found.raw(f"latency {suffix}", 1)
        raw["samples"] += entry["samples"]
        raw["failed"].update(entry["failed"])
        for figure, other in ((f"proxy-latency-{suffix}", "haproxy"), (f"router-latency-{suffix}", "router")):
            ratios.update(figures(**{figure: added(found.results, "pintail", other)}))
    return ratios, raw


def added(results, ours, theirs):
    """By round: what we add to the upstream's median latency, over what they add."""
    rounds = zip(results.get("direct", []), results.get(ours, []), results.get(theirs, []))
    return [(a["p50_us"] - d["p50_us"]) / (b["p50_us"] - d["p50_us"]) for d, a, b in rounds if b["p50_us"] > d["p50_us"]]


def bench_connect(context):
    """Connecting and disconnecting, 8 at a time: times HAProxy's rate"""
    bench, seconds = context.passthrough(), context.seconds or SECONDS
    found = Comparison("connect", {name: (lambda server=server: server.rate("connect", 8, seconds))
                                   for name, server in bench.take().items()}, context.rounds or ROUNDS)
    ratios = figures(**{"proxy-connect": found.ratio("pintail", "haproxy"), "router-connect": found.ratio("pintail", "router"),
                        "direct-connect": found.ratio("pintail", "direct")})
    return ratios, found.raw("connect", 8)


# ---- Large results, many sessions ----

def stream(server):
    """Seconds for 1 GiB, and by how much the proxy's resident memory grew meanwhile."""
    reset_peak(server.process_id)
    before = memory(server.process_id, "VmRSS")
    with server.session() as session:
        rows, seconds = session.sql(STREAM_QUERY)
    if rows != STREAM_ROWS:
        raise Failed(f"{rows} rows came, not {STREAM_ROWS}")
    return {"seconds": seconds, "mib_per_second": 1024 / seconds, "growth_mib": memory(server.process_id, "VmHWM") - before}


def bench_stream(context):
    """A result of 1 GiB to a C client: times the upstream's own speed; growth of the proxy's memory in MiB"""
    servers = context.passthrough().take("duckdb")
    found = Comparison("stream", {name: (lambda server=server: stream(server)) for name, server in servers.items()},
                       context.rounds or 3)
    growth = [result["growth_mib"] for result in found.results.get("pintail", [])]
    ratios = figures(**{"proxy-stream": found.ratio("pintail", "direct", "mib_per_second"),
                        "proxy-stream-haproxy": found.ratio("pintail", "haproxy", "mib_per_second"),
                        "proxy-stream-growth-mib": growth})
    for party, results in found.results.items():
        progress(f"  {party:8} {statistics.median(r['mib_per_second'] for r in results):,.0f} MiB/s, "
                 f"growth {max(r['growth_mib'] for r in results):.1f} MiB")
    return ratios, {"samples": found.samples("stream", 1), "failed": found.failed}


def connections_to(port, process_id):
    """How many TCP connections the process has to a port of IPv4: its own alone, whoever else is connected there."""
    directory = f"/proc/{process_id}"
    own = {os.readlink(f"{directory}/fd/{fd}") for fd in os.listdir(f"{directory}/fd")}
    with open(f"{directory}/net/tcp", encoding="ascii") as table:
        sockets = [line.split() for line in table][1:]
    return sum(int(s[2].split(":")[1], 16) == port and f"socket:[{s[9]}]" in own for s in sockets)


def hold_sessions(bench, count, name, environment=None):
    """KiB of Pintail per idle session, and the upstream's connections meanwhile."""
    directory = bench.directory / name
    directory.mkdir()
    with backends.start_relay(bench.context, bench.upstream, directory, *IDLE_OPTIONS) as server:
        before = memory(server.process_id, "VmRSS")
        holder = subprocess.Popen([PROGRAMS / "client", "idle", str(server.port), str(count), "SELECT 1"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        try:
            words = holder.stdout.readline().split()
            if words[:1] != ["ok"]:
                raise Failed("the client could not open its sessions")
            resident = memory(server.process_id, "VmRSS")
            opened = connections_to(bench.upstream.port, server.process_id)
        finally:
            holder.stdin.close()
            holder.wait()
    return {"sessions": count, "kib": (resident - before) * 1024 / count, "upstream_connections": opened,
            "before_mib": before, "resident_mib": resident, "connect_seconds": float(words[2])}


def bench_idle(context):
    """5,000 idle sessions on 50 upstream connections, transaction mode: KiB of Pintail a session, also with TLS"""
    bench = context.passthrough()
    if "pintail" not in bench.take():
        raise Failed("Pintail does not relay")
    raw = {"plain": hold_sessions(bench, IDLE_SESSIONS, "idle")}
    progress(f"  {raw['plain']}")
    if raw["plain"]["upstream_connections"] > IDLE_UPSTREAM_CONNECTIONS:
        raise Failed(f"{raw['plain']['upstream_connections']} upstream connections are open")
    ratios = {"proxy-idle": [raw["plain"]["kib"]]}
    # The certificate that Pintail makes itself at its first start.
    environment = {**os.environ, "BENCH_TLS": str(bench.directory / "idle-tls/store/server-cert.pem")}
    try:
        raw["tls"] = hold_sessions(bench, IDLE_TLS_SESSIONS, "idle-tls", environment)
        progress(f"  {raw['tls']}")
        ratios["proxy-idle-tls"] = [raw["tls"]["kib"]]
    except Failed as e:
        raw["failed"] = {"tls": str(e)}
    return ratios, raw


# ---- TPC-H ----

def load_tpch(bench, data):
    """The database `tpch` of the upstream, which stays in its data directory."""
    with bench.upstream.session() as session:
        loaded, _ = session.sql("SELECT 1 FROM information_schema.tables WHERE table_schema = 'tpch_ready' LIMIT 1")
    if not loaded:
        tpch.load_upstream(bench.upstream, data, bench.context.upstream)
        with bench.upstream.session() as session:
            session.sql("CREATE DATABASE tpch_ready")
            session.sql("CREATE TABLE tpch_ready.done (i INT)")


def bench_tpch(context):
    """TPC-H at scale factor 0.1, 22 queries, answers compared: Pintail's time over the upstream's"""
    bench = context.passthrough()
    small = context.at_scale(TPCH_SCALE)
    load_tpch(bench, small.data())
    files, servers = small.queries(), bench.take("duckdb")
    checked, differences = compare_answers({name: server for name, server in servers.items() if name != "direct"},
                                           bench.upstream, "tpch", [path.read_text() for path in files])

    def one_pass(server):
        with server.session("tpch") as session:
            seconds = tpch.run_queries(session, files)[0]
        return {"seconds": sum(seconds.values()), "queries": seconds}
    found = Comparison("tpch", {name: (lambda server=server: one_pass(server)) for name, server in servers.items()},
                       context.rounds or 2)
    ratios = figures(**{"proxy-tpch": found.ratio("pintail", "direct", "seconds")})
    if checked:
        ratios["proxy-tpch-answers"] = [1 - len(differences) / checked]
    return ratios, {"results": found.results, "failed": found.failed, "differences": differences}


def described(function, text, *arguments):
    """A benchmark of its own from a general one."""
    def run(context):
        return function(context, *arguments)
    run.__doc__ = text
    return run


BENCHMARKS = {"proxy-answers": bench_answers}
BENCHMARKS.update({f"proxy-query-{name}": described(bench_query, f"{name} query, {count} connections: queries a second over HAProxy's", name)
                   for name, count in QUERY_CONNECTIONS.items()})
BENCHMARKS.update({
    f"proxy-{short}-{connections}": described(
        bench_script, f"sysbench {script}, {connections} connection(s): queries a second over HAProxy's and the router's", short, connections)
    for short, script in SCRIPTS.items() for connections in CONNECTIONS})
BENCHMARKS.update({"proxy-latency": bench_latency, "proxy-connect": bench_connect, "proxy-stream": bench_stream,
                   "proxy-idle": bench_idle, "proxy-tpch": bench_tpch})
