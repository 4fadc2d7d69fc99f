"""The HTTP endpoints, the metrics, and the statistics of statements."""

import http.client
import json
import pathlib
import re
import signal
import socket
import threading
import time

import pytest

from conftest import error_of, run

TOKEN = "correct horse battery staple"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Http:
    """Requests to a server's endpoints."""

    def __init__(self, port):
        self.port = port

    def request(self, path, method="GET", headers=None, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            reply = connection.getresponse()
            return reply.status, reply.read().decode(), reply.headers
        finally:
            connection.close()

    def get(self, path, **options):
        status, body, _ = self.request(path, **options)
        assert status == 200, body
        return body

    def metrics(self):
        """name{labels} -> value."""
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
                for line in self.get("/metrics").splitlines() if not line.startswith("#")}


@pytest.fixture
def admin(new_server):
    """Starts a server with endpoints; returns it and Http."""
    def make(*options, start=True):
        port = free_port()
        server = new_server("--admin-port", str(port), *options)
        return (server.start() if start else server), Http(port)
    return make


def test_no_endpoint_unless_a_port_is_configured(server):
    assert "serving http" not in server.log_text()


def test_metrics_count_what_clients_do(admin):
    server, http_ = admin()
    before = http_.metrics()
    with server.connect() as connection:
        run(connection, "CREATE DATABASE d")
        run(connection, "CREATE TABLE d.t (i INT)")
        run(connection, "INSERT INTO d.t VALUES (1), (2), (3)")
        assert len(run(connection, "SELECT * FROM d.t")) == 3
        assert run(connection, "SELECT 1") == ((1,),)
        assert error_of(connection, "SELECT nothing FROM d.t") == 1054
        during = http_.metrics()
    moved = {name: during[name] - before.get(name, 0) for name in during}
    assert during["pintail_sessions"] == 1
    assert moved["pintail_connections_total"] == 1
    assert moved['pintail_statements_total{engine="column"}'] == 4
    assert moved['pintail_statement_seconds_count{engine="column"}'] == 4
    assert moved['pintail_statement_errors_total{engine="local"}'] == 1
    assert moved["pintail_statement_rows_total"] >= 7
    assert moved["pintail_bytes_sent_total"] > 100 and moved["pintail_bytes_received_total"] > 100
    assert moved["pintail_duckdb_queries"] >= 1
    assert during["process_resident_memory_bytes"] > 1 << 20
    assert during["pintail_ready"] == 1


def test_metrics_are_well_formed(admin):
    _, http_ = admin()
    status, text, headers = http_.request("/metrics")
    assert status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4")
    kind = {}
    sample = re.compile(r'^([a-z_:][a-z0-9_:]*)(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? -?[0-9.e+]+$')
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, what = line.split()
            assert name not in kind, "a metric's lines must be together"
            kind[name] = what
        elif not line.startswith("#"):
            match = sample.match(line)
            assert match, line
            name = match.group(1)
            assert name in kind or kind[re.sub("_(bucket|sum|count)$", "", name)] == "histogram", line
    buckets = [float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
               if line.startswith('pintail_statement_seconds_bucket{engine="local"')]
    assert buckets == sorted(buckets)


def test_documentation_lists_every_metric(admin):
    _, http_ = admin()
    page = (pathlib.Path(__file__).parents[2] / "docs/operations.md").read_text()
    for line in http_.get("/metrics").splitlines():
        if line.startswith("# TYPE "):
            assert f"`{line.split()[2]}`" in page, line
    # Those that this server does not have, too.
    registered = re.compile(r'(?:metrics_\w+_new\(|METRICS_\w+,)\s*"((?:pintail|process)_\w+)"')
    for source in (pathlib.Path(__file__).parents[2] / "src").rglob("*.c"):
        for name in registered.findall(source.read_text()):
            assert f"`{name}`" in page, f"{name} of {source}"


def test_status_json_and_the_page(admin):
    server, http_ = admin()
    with server.connect() as connection:
        for i in range(5):
            run(connection, f"SELECT 'secret{i}', {i}")
    status = json.loads(http_.get("/status.json"))
    assert status["state"] == "ready" and status["metrics"]["pintail_connections_total"] == 1
    digest = next(d for d in status["digests"] if d["text"] == "SELECT ?, ...")
    assert digest["count"] == 5 and digest["engines"]["local"] == 5 and digest["rows"] == 5
    assert digest["p50_ms"] <= digest["p95_ms"] <= digest["p99_ms"] <= digest["max_ms"]
    assert "secret" not in json.dumps(status)
    code, page, headers = http_.request("/")
    assert code == 200 and "<title>Pintail</title>" in page
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert not re.search(r"https?://", page), "the page needs nothing from elsewhere"


def test_token(admin, work):
    (work / "token").write_text(TOKEN + "\n")
    server, http_ = admin("--admin-token-file", str(work / "token"))
    shown = {"Authorization": f"Bearer {TOKEN}"}
    for path in ("/metrics", "/status.json"):
        assert http_.request(path)[0] == 401
        assert http_.request(path)[2]["WWW-Authenticate"] == "Bearer"
        for wrong in (TOKEN[:-1], TOKEN + "x", TOKEN.upper(), ""):
            assert http_.request(path, headers={"Authorization": f"Bearer {wrong}"})[0] == 401
        assert http_.request(path, headers={"Authorization": f"Basic {TOKEN}"})[0] == 401
        status, body, _ = http_.request(path, headers=shown)
        assert status == 200 and TOKEN not in body
    for path in ("/health", "/ready", "/"):
        assert http_.request(path)[0] == 200
    assert TOKEN not in server.log_text()


def test_token_is_not_printed(binary, work):
    import subprocess
    out = subprocess.run([binary, "--admin-token", TOKEN, "--print-config"], cwd=work, capture_output=True, text=True,
                         check=True).stdout
    assert TOKEN not in out and "***" in out


@pytest.mark.parametrize("options, wanted", [
    (("--admin-bind", "192.0.2.1"), "192.0.2.1"),
    (("--admin-token-file", "/nonexistent/token"), "/nonexistent/token"),
])
def test_start_says_what_is_wrong(admin, options, wanted):
    server, _ = admin(*options, start=False)
    server.start(wait=False)
    assert server.process.wait(30) == 1
    assert wanted in server.log_text()


def test_port_in_use(admin):
    _, http_ = admin()
    second, _ = admin("--admin-port", str(http_.port), start=False)
    second.start(wait=False)
    assert second.process.wait(30) == 1
    assert str(http_.port) in second.log_text() and "in use" in second.log_text()


def test_what_is_no_get(admin):
    _, http_ = admin()
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE"):
        assert http_.request("/metrics", method=method)[0] == 405
    assert http_.request("/metrics", method="HEAD")[1] == ""
    assert http_.request("/nothing")[0] == 404
    assert http_.request("/../etc/passwd")[0] == 404
    assert http_.request("/health", headers={"X-Long": "x" * 60000})[0] == 431


def test_requests_that_are_too_much_or_never_end(admin):
    server, http_ = admin()
    halves = []
    for _ in range(100):  # more than connections are allowed
        s = socket.create_connection(("127.0.0.1", http_.port), 5)
        try:
            s.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nX-")
        except OSError:
            pass
        halves.append(s)
    server.assert_alive()
    for s in halves:
        s.close()
    with socket.create_connection(("127.0.0.1", http_.port), 5) as s:
        s.sendall(b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n" + b"x" * 100000)
        assert b" 405 " in s.recv(100)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            assert http_.get("/health") == "ok\n"
            return
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
    raise AssertionError("no answer after connections were closed")


def test_ready_only_after_the_start(admin):
    server, http_ = admin(start=False)
    server.start(wait=False)
    seen = []
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and (200, "ready\n") not in seen:
        try:
            seen.append(http_.request("/ready")[:2])
        except OSError:
            time.sleep(0.001)
    assert seen[-1] == (200, "ready\n")
    assert set(seen[:-1]) <= {(503, "starting\n")}


def test_ready_and_health_during_a_drain(admin):
    server, http_ = admin("--drain-timeout", "30s")
    assert http_.request("/ready")[:2] == (200, "ready\n")
    connection = server.connect(autocommit=False)
    run(connection, "CREATE DATABASE d")
    run(connection, "CREATE TABLE d.t (i INT)")
    run(connection, "BEGIN")
    run(connection, "INSERT INTO d.t VALUES (1)")
    server.signal(signal.SIGTERM)
    deadline = time.monotonic() + 10
    while http_.request("/ready")[0] == 200 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert http_.request("/ready")[:2] == (503, "draining\n")
    assert http_.request("/health")[:2] == (200, "ok\n")
    assert json.loads(http_.get("/status.json"))["state"] == "draining"
    assert http_.metrics()["pintail_ready"] == 0
    connection.commit()
    assert server.process.wait(30) == 0


def test_show_pintail_status(server, session):
    connection = session()
    rows = dict(run(connection, "SHOW PINTAIL STATUS"))
    assert int(rows["sessions"]) >= 1 and int(rows["uptime_seconds"]) >= 0
    assert int(rows['statements_total{engine="local"}']) >= 1
    assert float(rows['statement_seconds_p99{engine="local"}']) > 0
    names = [name for name, _ in run(connection, "SHOW PINTAIL STATUS LIKE 'sessions%'")]
    assert names == ["sessions", "sessions_max", "sessions_running"]
    assert run(connection, "show pintail status WHERE Variable_name = 'sessions_max'")[0][0] == "sessions_max"
    assert error_of(connection, "SHOW PINTAIL NOTHING") == 1064
    assert error_of(connection, "SHOW PINTIAL STATUS") == 1064


def test_show_pintail_digests(server, session):
    connection = session()
    run(connection, "CREATE TABLE t (i INT, s VARCHAR(20))")
    for i in range(3):
        run(connection, f"INSERT INTO t VALUES ({i}, 'hidden{i}')")
    run(connection, "SELECT i FROM t WHERE s = 'hidden1'")
    error_of(connection, "SELECT j FROM t WHERE s = 'hidden1'")
    with connection.cursor() as cursor:
        cursor.execute("SHOW PINTAIL DIGESTS LIKE '%FROM `t` WHERE%'")
        names = [column[0] for column in cursor.description]
        rows = {row[1]: dict(zip(names, row)) for row in cursor.fetchall()}
    select = rows["SELECT `i` FROM `t` WHERE `s` = ?"]
    assert (select["Count"], select["Count_column"], select["Errors"], select["Rows"]) == (1, 1, 0, 1)
    assert rows["SELECT `j` FROM `t` WHERE `s` = ?"]["Errors"] == 1
    assert select["Bytes"] > 20 and select["Max_ms"] > 0 and select["First_seen"] <= select["Last_seen"]
    everything = run(connection, "SHOW PINTAIL STATEMENTS WHERE Count > 0")
    assert not any("hidden" in row[1] for row in everything)


def test_show_pintail_digests_needs_process(server, db):
    server.query("DROP USER IF EXISTS watcher")
    server.query("CREATE USER watcher IDENTIFIED BY 'w'")
    with server.connect(user="watcher", password="w") as connection:
        assert error_of(connection, "SHOW PINTAIL DIGESTS") == 1227
        assert len(run(connection, "SHOW PINTAIL STATUS")) > 10
    server.query("GRANT PROCESS ON *.* TO watcher")
    with server.connect(user="watcher", password="w") as connection:
        texts = [row[1] for row in run(connection, "SHOW PINTAIL DIGESTS")]
    assert any(text.startswith("CREATE USER") for text in texts) and not any("'w'" in text for text in texts)
    server.query("DROP USER watcher")


def test_digests_are_bounded(admin):
    server, _ = admin("--admin-digests", "20")
    with server.connect() as connection:
        for i in range(200):
            error_of(connection, f"SELECT c{i}")
        rows = run(connection, "SHOW PINTAIL DIGESTS")
        assert 20 <= len(rows) <= 20 * 8
        assert int(dict(run(connection, "SHOW PINTAIL STATUS LIKE 'digests%'"))["digests_dropped_total"]) >= 40


def test_scrapes_while_sessions_come_and_go(admin):
    server, http_ = admin()
    end = time.monotonic() + 3
    wrong = []

    def work():
        try:
            while time.monotonic() < end:
                with server.connect() as connection:
                    for i in range(20):
                        run(connection, f"SELECT {i}")
        except Exception as e:  # noqa: BLE001 - shown below
            wrong.append(e)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    last = 0
    while time.monotonic() < end:
        now = http_.metrics()['pintail_statements_total{engine="local"}']
        assert now >= last
        last = now
        json.loads(http_.get("/status.json"))
    for thread in threads:
        thread.join()
    assert not wrong and last > 100


def test_service_manager_is_told(new_server, work):
    path = str(work / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(path)
        notify.settimeout(30)
        server = new_server(env={"NOTIFY_SOCKET": path}).start()
        assert notify.recv(100) == b"READY=1"
        assert server.stop() == 0
        assert notify.recv(100) == b"STOPPING=1"
