"""pool.mode: transaction: sessions share connections between transactions, and keep what is theirs.

Two sessions before a pool of one connection must take turns at every statement, so that whatever one leaves on it would
show in the other. Each check is made on both real servers.
"""

import struct
import threading
import time

import pymysql
import pytest
from conftest import error_of, relay_options, run
from wireclient import COM_STMT_CLOSE, COM_STMT_FETCH, COM_STMT_SEND_LONG_DATA, WireClient

ONE = ["--pool-mode", "transaction", "--storage-mysql-max-open-conns", "1", "--storage-mysql-wait-timeout", "2s"]
MANY = ["--pool-mode", "transaction", "--storage-mysql-max-open-conns", "4"]
UNSUPPORTED = 1235
USED_UP = 1040
GONE = (2006, 2013)
LONG = b"\x03\x00"


@pytest.fixture(params=["mysql", "mariadb"])
def one(request, relays):
    """A relay with one connection to its upstream, which has a table mux.t."""
    relay = relays.relay(request.param, *ONE)
    relay.upstream.query("CREATE DATABASE IF NOT EXISTS mux")
    relay.upstream.query("CREATE TABLE IF NOT EXISTS mux.t (id INT AUTO_INCREMENT PRIMARY KEY, v INT)")
    return relay


@pytest.fixture
def two(one):
    """Two sessions, closed at the end whatever happens."""
    opened = [one.connect(database="mux") for _ in range(2)]
    yield opened
    for connection in opened:
        if connection.open:
            connection.close()


def value(connection, sql):
    return run(connection, sql)[0][0]


def test_two_sessions_share_one_connection(two):
    a, b = two
    assert value(a, "SELECT CONNECTION_ID()") == value(b, "SELECT CONNECTION_ID()") == value(a, "SELECT CONNECTION_ID()")


def test_settings_are_carried(two):
    a, b = two
    run(a, "SET sql_mode = 'ANSI_QUOTES', time_zone = '+03:00', @@session.sort_buffer_size = 123456")
    run(b, "SET NAMES latin1")
    run(b, "USE mysql")
    for _ in range(3):
        assert run(a, "SELECT @@sql_mode, @@time_zone, @@sort_buffer_size, @@character_set_client, DATABASE()") == (
            ("ANSI_QUOTES", "+03:00", 123456, "utf8mb4", "mux"),)
        mode, zone, size, client, database = run(
            b, "SELECT @@sql_mode, @@time_zone, @@sort_buffer_size, @@character_set_client, DATABASE()")[0]
        assert "ANSI_QUOTES" not in mode and zone == "SYSTEM" and size != 123456
        assert (client, database) == ("latin1", "mysql")


def test_a_transaction_keeps_its_connection(two):
    a, b = two
    run(a, "BEGIN")
    run(a, "INSERT INTO t (v) VALUES (1)")
    assert error_of(b, "SELECT 1") == USED_UP
    run(a, "ROLLBACK")
    assert value(b, "SELECT COUNT(*) FROM t WHERE v = 1") == 0


def test_autocommit_off_is_carried(two):
    a, b = two
    run(a, "SET autocommit = 0")
    run(a, "INSERT INTO t (v) VALUES (2)")
    run(a, "ROLLBACK")
    assert value(b, "SELECT @@autocommit") == 1
    assert value(a, "SELECT @@autocommit") == 0
    run(a, "COMMIT")
    assert value(b, "SELECT COUNT(*) FROM t WHERE v = 2") == 0


def test_last_insert_id_is_carried(two):
    a, b = two
    run(a, "INSERT INTO t (v) VALUES (3)")
    made = value(a, "SELECT LAST_INSERT_ID()")
    assert made > 0
    assert value(b, "SELECT LAST_INSERT_ID()") == 0
    assert value(a, "SELECT LAST_INSERT_ID()") == made


def test_warnings_are_found_where_they_were_left(one, two):
    a, b = two
    run(a, "SELECT 1/0 + CAST('x' AS SIGNED)")
    assert len(run(a, "SHOW WARNINGS")) > 0
    assert len(run(a, "SHOW WARNINGS")) > 0
    run(a, "SELECT 1")
    assert run(b, "SHOW WARNINGS") == ()
    # MariaDB would still have them.
    assert error_of(a, "SHOW WARNINGS") == (UNSUPPORTED if one.upstream.dialect == "mariadb" else None)
    assert error_of(a, "SELECT * FROM nowhere") == 1146
    assert run(a, "SHOW ERRORS")[0][1] == 1146


def test_row_count_later_is_refused(two):
    a, b = two
    run(a, "INSERT INTO t (v) VALUES (4), (5)")
    assert value(a, "SELECT ROW_COUNT()") == 2
    assert value(b, "SELECT 1") == 1
    assert error_of(a, "SELECT FOUND_ROWS()") == UNSUPPORTED
    assert value(a, "SELECT 7") == 7


@pytest.mark.parametrize("last", ["INSERT INTO t (v) VALUES (6)", "SELECT * FROM nowhere", "SELECT CAST('x' AS SIGNED)"])
def test_what_is_held_is_given_back_in_time(two, last):
    """After a change a moment later, after an error or a warning with the statement behind it."""
    a, b = two
    error_of(a, last)
    if not last.startswith("INSERT"):
        run(a, "SELECT 1")
    assert value(b, "SELECT 8") == 8


@pytest.mark.parametrize("statement, why", [
    ("SET @a = 1", "user variable"),
    ("CREATE TEMPORARY TABLE tmp (a INT)", "temporary table"),
    ("DO GET_LOCK('mux', 1)", "lock"),
    ("LOCK TABLES t READ", "lock"),
    ("PREPARE p FROM 'SELECT 1'", "PREPARE"),
    ("SET timestamp = 1", "system variable"),
    ("HANDLER t OPEN", "lock"),
])
def test_what_cannot_be_carried_pins(two, statement, why):
    a, b = two
    run(a, statement)
    assert f"pinned: {why}" in [row[-1] for row in run(b, "SHOW PINTAIL SESSIONS")]
    assert error_of(b, "SELECT 1") == USED_UP
    a.close()
    assert value(b, "SELECT 1") == 1
    assert value(b, "SELECT @a IS NULL") == 1
    assert value(b, "SELECT IS_USED_LOCK('mux') IS NULL") == 1
    assert error_of(b, "SELECT * FROM tmp") == 1146


def execute(client, stmt_id, number, types=True):
    bound = b"\x01" + LONG if types else b"\x00"
    packets = client.execute(stmt_id, params=b"\x00" + bound + struct.pack("<i", number))
    return [payload for _, payload in packets]


def column_of(packets):
    """The integer in the only row of a binary result with one column."""
    row = next(p for p in packets[2:] if p[:1] == b"\x00")
    return int.from_bytes(row[2:], "little", signed=True)


def test_prepared_statements_are_carried(one):
    sql = "SELECT CAST(? AS SIGNED) + 1"
    with WireClient(one.port, db="mux") as a, WireClient(one.port, db="mux") as b:
        first = a.prepare(sql)[0]
        other = b.prepare("SELECT CAST(? AS SIGNED) + 2")[0]
        same = b.prepare(sql)[0]
        for i in range(3):
            # The types of parameters are sent once.
            assert column_of(execute(a, first, 10 + i, types=i == 0)) == 11 + i
            assert column_of(execute(b, other, 20 + i, types=i == 0)) == 22 + i
            assert column_of(execute(b, same, 30 + i, types=i == 0)) == 31 + i
        a.command(COM_STMT_CLOSE, struct.pack("<I", first))
        assert column_of(execute(b, same, 40, types=False)) == 41
        assert execute(a, first, 1)[0][:1] == b"\xff"


def test_types_of_another_session_are_not_taken(one):
    sql = "SELECT CAST(? AS SIGNED)"
    with WireClient(one.port, db="mux") as a, WireClient(one.port, db="mux") as b:
        ours, theirs = a.prepare(sql)[0], b.prepare(sql)[0]
        assert column_of(execute(a, ours, -5)) == -5
        packets = b.execute(theirs, params=b"\x00\x01\xfd\x00" + b"\x0277")
        assert column_of([payload for _, payload in packets]) == 77
        assert column_of(execute(a, ours, -6, types=False)) == -6


def test_a_cursor_keeps_its_connection(one):
    with WireClient(one.port, db="mux") as a:
        b = one.connect(database="mux")
        stmt = a.prepare("SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3")[0]
        a.execute(stmt, flags=1)
        assert error_of(b, "SELECT 1") == USED_UP
        rows = a.command(COM_STMT_FETCH, struct.pack("<II", stmt, 10))
        assert sum(payload[:1] == b"\x00" for _, payload in rows) == 3
        a.command(COM_STMT_CLOSE, struct.pack("<I", stmt))
        a.query("SELECT 1")
        assert value(b, "SELECT 1") == 1
        b.close()


def test_long_data_is_carried_to_its_statement(one):
    with WireClient(one.port, db="mux") as a, WireClient(one.port, db="mux") as b:
        stmt = a.prepare("SELECT CAST(LENGTH(?) AS SIGNED)")[0]
        assert b.value("SELECT 1") == "1"
        a.send_command(COM_STMT_SEND_LONG_DATA, struct.pack("<IH", stmt, 0) + b"abcdef")
        packets = a.execute(stmt, params=b"\x00\x01\xfc\x00")
        assert column_of([payload for _, payload in packets]) == 6
        assert b.value("SELECT 2") == "2"


@pytest.mark.parametrize("dialect", ["mysql", "mariadb"])
def test_many_sessions_and_few_connections(relays, dialect):
    """Sums of increments by 24 sessions over 4 connections: nothing lost, nothing twice."""
    relay = relays.relay(dialect, *MANY)
    relay.upstream.query("CREATE DATABASE IF NOT EXISTS mux")
    relay.upstream.query("CREATE TABLE IF NOT EXISTS mux.n (id INT PRIMARY KEY, v INT)")
    relay.upstream.query("REPLACE INTO mux.n VALUES (1, 0)")
    failures = []

    def work(number):
        try:
            connection = relay.connect(database="mux")
            run(connection, f"SET time_zone = '+{number % 12:02}:00'")
            for _ in range(20):
                run(connection, "BEGIN")
                run(connection, "UPDATE n SET v = v + 1 WHERE id = 1")
                run(connection, "COMMIT")
                assert value(connection, "SELECT @@time_zone") == f"+{number % 12:02}:00"
            connection.close()
        except (AssertionError, pymysql.Error) as e:
            failures.append(e)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert relay.upstream.query("SELECT v FROM mux.n")[0][0] == 24 * 20
    used = {row[0] for row in relay.query("SHOW PINTAIL STATUS LIKE 'pool_connections'")}
    assert used == {"pool_connections"}


def test_a_database_stays_with_its_session(one):
    """A session that has chosen none finds none, though another had the connection."""
    with one.connect(database="mux") as a, one.connect() as b:
        for _ in range(2):
            assert value(a, "SELECT DATABASE()") == "mux"
            assert value(b, "SELECT DATABASE()") is None


@pytest.fixture(params=["mysql", "mariadb"])
def apart(request, new_server, relays):
    """A relay that has not got the password of an account, muxer."""
    upstream = relays.upstream(request.param)
    upstream.query("CREATE USER IF NOT EXISTS 'muxer'@'%' IDENTIFIED BY 'secret'")
    return new_server(*relay_options(upstream.port, "--storage-mysql-tls-mode", "disabled", "--pool-mode", "transaction",
                                     "--storage-mysql-idle-timeout", "1s", "--storage-mysql-conn-max-lifetime", "1s",
                                     "--storage-mysql-wait-timeout", "5s")).start()


def muxer(server):
    return server.connect(user="muxer", password="secret")


def test_sessions_whose_password_is_not_known_have_transactions_at_once(apart):
    sessions = [muxer(apart) for _ in range(5)]
    for connection in sessions:
        run(connection, "BEGIN")
    assert len({value(connection, "SELECT CONNECTION_ID()") for connection in sessions}) == 5
    for connection in sessions:
        run(connection, "COMMIT")
        connection.close()


def test_their_connections_stay_while_they_do(apart):
    with muxer(apart) as connection:
        first = value(connection, "SELECT CONNECTION_ID()")
        time.sleep(2.5)
        assert value(connection, "SELECT CONNECTION_ID()") == first
    # Afterwards they grow old as others do.
    deadline = time.monotonic() + 30
    while apart.query("SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'muxer'")[0][0] > 0:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_session_without_any_connection_ends(apart):
    with muxer(apart) as connection:
        number = value(connection, "SELECT CONNECTION_ID()")
        apart.query(f"KILL {number}")
        assert error_of(connection, "SELECT 1") in GONE
        assert error_of(connection, "SELECT 1") in (*GONE, 0)
    with muxer(apart) as connection:
        assert value(connection, "SELECT 1") == 1


def test_an_account_never_gets_another_ones_connection(one):
    one.upstream.query("CREATE USER IF NOT EXISTS 'muxer'@'%' IDENTIFIED BY 'secret'")
    one.upstream.query("GRANT SELECT ON mux.t TO 'muxer'@'%'")
    a = one.connect(database="mux")
    assert value(a, "SELECT CURRENT_USER()").startswith("root@")
    b = one.connect(database="mux", user="muxer", password="secret")
    assert value(b, "SELECT CURRENT_USER()").startswith("muxer@")
    assert error_of(b, "INSERT INTO t (v) VALUES (9)") == 1142
    run(b, "SELECT 1")
    assert value(a, "SELECT CURRENT_USER()").startswith("root@")
    a.close()
    b.close()
