"""What can be seen of a relay: sessions, the pool, statements by digest with their latencies, bytes and errors."""

import json
import time

import pytest
from conftest import error_of, relay_options, run
from test_admin import Http, free_port


@pytest.fixture(params=["mysql", "mariadb"])
def watched(request, new_server, relays):
    """A relay with endpoints, which nobody has used yet; and Http."""
    port = free_port()
    upstream = relays.upstream(request.param)
    server = new_server("--admin-port", str(port), *relay_options(upstream.port, "--storage-mysql-tls-mode", "disabled")).start()
    return server, Http(port)


def status(connection):
    return {name: float(value) for name, value in run(connection, "SHOW PINTAIL STATUS") if value.replace(".", "").isdigit()}


def work(connection):
    """Five statements that are alike, one of many rows, and one that fails."""
    for number in range(5):
        run(connection, f"SELECT {number} + 1 AS n")
    assert len(run(connection, "SELECT name FROM shared.large WHERE id <= 1000")) == 1000
    assert error_of(connection, "SELECT nothing FROM shared.large") == 1054


def test_status_of_a_relay(watched):
    server, _ = watched
    with server.connect() as connection, server.connect():
        before = status(connection)
        work(connection)
        after = status(connection)
    assert after["sessions"] == 2 and after["sessions_running"] >= 1
    assert after["pool_connections"] >= 2 and after["pool_opened_total"] >= 2
    assert after['statements_total{engine="upstream"}'] - before['statements_total{engine="upstream"}'] == 7
    assert after['statement_errors_total{engine="upstream"}'] - before['statement_errors_total{engine="upstream"}'] == 1
    assert after["statement_rows_total"] - before["statement_rows_total"] >= 1005
    assert after["statement_bytes_total"] - before["statement_bytes_total"] > 10000
    assert after["bytes_sent_total"] - before["bytes_sent_total"] > 10000
    assert 0 < after['statement_seconds_p50{engine="upstream"}'] <= after['statement_seconds_p95{engine="upstream"}']
    assert after['statement_seconds_p95{engine="upstream"}'] <= after['statement_seconds_p99{engine="upstream"}']


def test_digests_of_a_relay(watched):
    server, http_ = watched
    with server.connect() as connection:
        work(connection)
        with connection.cursor() as cursor:
            cursor.execute("SHOW PINTAIL DIGESTS LIKE '%shared%'")
            names = [column[0] for column in cursor.description]
            rows = {row[1]: dict(zip(names, row)) for row in cursor.fetchall()}
        sessions = run(connection, "SHOW PINTAIL SESSIONS")
    (many,) = [row for text, row in rows.items() if "`large` WHERE" in text]
    assert (many["Count"], many["Count_upstream"], many["Rows"], many["Errors"]) == (1, 1, 1000, 0)
    assert many["Bytes"] > 10000 and 0 < many["P50_ms"] <= many["P95_ms"] <= many["P99_ms"] <= many["Max_ms"]
    assert rows["SELECT `nothing` FROM `shared` . `large`"]["Errors"] == 1
    assert len(sessions) == 1 and sessions[0][2] == "root"
    told = json.loads(http_.get("/status.json"))
    assert any(digest["engines"]["upstream"] == 5 for digest in told["digests"])
    metrics = http_.metrics()
    assert metrics["pintail_pool_connections"] >= 1
    assert metrics['pintail_statements_total{engine="upstream"}'] >= 7


def test_connections_that_stay_open(new_server, relays):
    """min_idle_conns outlives idle_timeout, for accounts that have had connections."""
    upstream = relays.upstream("mysql")
    server = new_server(*relay_options(upstream.port, "--storage-mysql-tls-mode", "disabled", "--storage-mysql-min-idle-conns", "1",
                                       "--storage-mysql-idle-timeout", "1s")).start()
    with server.connect() as one, server.connect() as other:
        first = {run(one, "SELECT CONNECTION_ID()"), run(other, "SELECT CONNECTION_ID()")}

    def alive():
        return {((row[0],),) for row in upstream.query("SHOW PROCESSLIST")} & first

    eventually(lambda: len(alive()) == 1)
    with server.connect() as again:
        assert run(again, "SELECT CONNECTION_ID()") in first


def eventually(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.1)
