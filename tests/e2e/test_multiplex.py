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
from wireclient import (
    BASE,
    COM_RESET_CONNECTION,
    COM_SET_OPTION,
    COM_STMT_BULK_EXECUTE,
    COM_STMT_CLOSE,
    COM_STMT_FETCH,
    COM_STMT_SEND_LONG_DATA,
    DEPRECATE_EOF,
    MARIADB_STMT_BULK,
    SESSION_TRACK,
    ErrorPacket,
    WireClient,
    lenenc,
)

ONE = ["--pool-mode", "transaction", "--storage-mysql-max-open-conns", "1", "--storage-mysql-wait-timeout", "2s"]
MANY = ["--pool-mode", "transaction", "--storage-mysql-max-open-conns", "4"]
UNSUPPORTED = 1235
USED_UP = 1040
GONE = (2006, 2013)
LONG = b"\x03\x00"
MULTI_STATEMENTS_OFF = b"\x01\x00"


@pytest.fixture(params=["mysql", "mariadb"])
def one(request, relays):
    """A relay with one connection to its upstream, which has a table mux.t."""
    relay = relays.relay(request.param, *ONE)
    relay.upstream.query("CREATE DATABASE IF NOT EXISTS mux")
    relay.upstream.query("CREATE TABLE IF NOT EXISTS mux.t (id INT AUTO_INCREMENT PRIMARY KEY, v INT)")
    relay.upstream.query("CREATE PROCEDURE IF NOT EXISTS mux.p() SELECT 1")
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


@pytest.mark.parametrize("dialect", ["mysql", "mariadb"])
def test_a_database_chosen_later_goes_with_its_session(relays, dialect):
    """It cannot be taken from the connection again, which another session without one would be given."""
    relay = relays.relay(dialect, "--pool-mode", "transaction")
    with relay.connect() as idle, relay.connect() as busy:
        run(busy, "BEGIN")
        before = len(run(busy, "SHOW PINTAIL SESSIONS"))
        with relay.connect() as chooses:
            run(chooses, "USE mysql")
            assert value(chooses, "SELECT DATABASE()") == "mysql"
        deadline = time.monotonic() + 30
        while len(run(busy, "SHOW PINTAIL SESSIONS")) > before:
            assert time.monotonic() < deadline
        assert value(idle, "SELECT DATABASE()") is None


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
    ("SET ROLE NONE", "role"),
    ("CALL p()", "stored program"),
    ("SET TRANSACTION READ ONLY", "SET TRANSACTION"),
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


def code_of(packets):
    """The error number of a reply; None when it is none."""
    last = packets[-1][1]
    return struct.unpack("<H", last[1:3])[0] if last[:1] == b"\xff" else None


def executed(client, stmt_id):
    """What an execution of a statement without parameters answers: an integer, or the error."""
    packets = client.execute(stmt_id)
    return {"error": code_of(packets)} if code_of(packets) else column_of([payload for _, payload in packets])


@pytest.fixture
def wires(one):
    """Two sessions at the level of packets."""
    with WireClient(one.port, db="mux") as a, WireClient(one.port, db="mux") as b:
        yield a, b


@pytest.mark.parametrize("function", ["ROW_COUNT()", "FOUND_ROWS()"])
def test_prepared_counts_are_right_or_refused(wires, function):
    a, b = wires
    count = a.prepare(f"SELECT {function}")[0]
    change = a.prepare("INSERT INTO t (v) VALUES (1), (2)")[0]
    query = a.prepare("SELECT SQL_CALC_FOUND_ROWS 1 UNION SELECT 2 LIMIT 1")[0]
    for statement in (change, query):
        assert b.value("SELECT 1") == "1"
        assert executed(a, count) == {"error": UNSUPPORTED}
        direct = -1 if (statement, function) == (query, "ROW_COUNT()") else 2
        a.execute(statement)
        if (statement, function) != (change, "FOUND_ROWS()"):
            assert executed(a, count) == direct
            a.execute(statement)
            assert int(a.value(f"SELECT {function}")) == direct


def test_preparing_leaves_the_row_count(wires):
    a, b = wires
    a.query("INSERT INTO t (v) VALUES (1), (2)")
    assert executed(a, a.prepare("SELECT ROW_COUNT()")[0]) == 2
    assert b.value("SELECT 1") == "1"
    stmt_id, packets = a.prepare("SELECT ROW_COUNT() + 0")
    assert stmt_id is not None, packets
    assert code_of(a.query("SELECT ROW_COUNT()")) == UNSUPPORTED


def test_row_count_is_refused_after_the_settings_were_read(wires):
    """Reading them is a statement too, on a connection that the session then takes again."""
    a, _ = wires
    for hours in range(5):
        a.query(f"SET time_zone = '+0{hours}:00'")
        packets = a.query("SELECT ROW_COUNT()")
        assert code_of(packets) == UNSUPPORTED or packets[-2][1] == b"\x010", packets


def test_a_prepared_query_holds_for_found_rows(one, wires):
    a, b = wires
    query = a.prepare("SELECT SQL_CALC_FOUND_ROWS 1 UNION SELECT 2 LIMIT 1")[0]
    a.execute(query)
    assert "held: SQL_CALC_FOUND_ROWS" in [row[-1] for row in b.rows("SHOW PINTAIL SESSIONS")]
    assert code_of(b.query("SELECT 1")) == USED_UP
    assert a.value("SELECT FOUND_ROWS()") == "2"
    a.query("SELECT 1")  # MySQL has left a warning
    assert b.value("SELECT 1") == "1"


def test_a_prepared_statement_ends_the_hold_for_warnings(one, wires):
    a, b = wires
    query = a.prepare("SELECT id FROM t")[0]
    a.query("SELECT CAST('x' AS SIGNED)")
    assert len(a.rows("SHOW WARNINGS")) == 1
    assert "held: warnings or an error" in [row[-1] for row in b.rows("SHOW PINTAIL SESSIONS")]
    a.execute(query)
    assert b.value("SELECT 1") == "1"


def test_prepared_settings_are_carried(wires):
    a, b = wires
    change = a.prepare("SET sort_buffer_size = 123456")[0]
    assert b.value("SELECT 1") == "1"
    assert code_of(a.execute(change)) is None
    assert b.value("SELECT @@sort_buffer_size = 123456") == "0"
    assert a.value("SELECT @@sort_buffer_size") == "123456"


@pytest.fixture
def role(one):
    """A role that root may take."""
    upstream = one.upstream
    root = upstream.query("SELECT CURRENT_USER()")[0][0].split("@")
    upstream.query("DROP ROLE IF EXISTS mux_role")
    upstream.query("CREATE ROLE mux_role")
    upstream.query(f"GRANT mux_role TO '{root[0]}'@'{root[1]}'")
    yield "mux_role"
    upstream.query("DROP ROLE mux_role")


ROLE = "SELECT COALESCE(CURRENT_ROLE(), 'NONE')"


@pytest.mark.parametrize("how", ["SET ROLE mux_role", "CALL take_role()", "PREPARE p FROM 'SET ROLE mux_role'; EXECUTE p"])
def test_a_role_outlives_a_reset(one, role, wires, how):
    a, b = wires
    if how.startswith("CALL"):
        one.upstream.query("CREATE PROCEDURE IF NOT EXISTS mux.take_role() SQL SECURITY INVOKER SET ROLE mux_role")
    before = b.value(ROLE)
    assert role not in before
    for statement in how.split("; "):
        assert code_of(a.query(statement)) is None
    assert a.command(COM_RESET_CONNECTION) == [(1, b"\0\0\0\2\0\0\0")]
    assert "pinned: role" in [row[-1] for row in b.rows("SHOW PINTAIL SESSIONS")]
    assert code_of(b.query("SELECT 1")) == USED_UP
    assert role in a.value(ROLE)
    a.query("SET ROLE NONE")
    a.command(COM_RESET_CONNECTION)
    assert b.value(ROLE) == before
    for statement in how.split("; "):
        a.query(statement)
    a.close()
    assert b.value(ROLE) == before


def test_an_option_outlives_a_reset(wires):
    a, b = wires
    two_selects = "SELECT 1; SELECT 2"
    assert code_of(b.query(two_selects)) is None
    a.command(COM_SET_OPTION, MULTI_STATEMENTS_OFF)
    assert "pinned: COM_SET_OPTION" in [row[-1] for row in b.rows("SHOW PINTAIL SESSIONS")]
    a.command(COM_RESET_CONNECTION)
    assert code_of(b.query("SELECT 1")) == USED_UP
    assert code_of(a.query(two_selects)) == 1064
    a.close()
    assert code_of(b.query(two_selects)) is None


def test_a_reset_gives_the_login_s_character_set(one):
    """And what the server gives besides, whoever has used the connection."""
    shown = ("SELECT @@character_set_client, @@character_set_results, @@collation_connection, @@sql_mode, @@time_zone, "
             "@@session_track_state_change, DATABASE()")

    def reset(client):
        client.query("SET NAMES cp1251, time_zone = '+03:00', @a = 1")
        client.command(COM_RESET_CONNECTION)
        return client.rows(shown), client.value("SELECT @a")

    for collation in (45, 8, 33):
        with WireClient(one.upstream.port, db="mux", collation=collation) as direct:
            expected = [(*row[:5], "1", row[6]) for row in reset(direct)[0]]
        with WireClient(one.port, db="mux", collation=collation) as a, WireClient(one.port, db="mux", collation=63) as b:
            b.value("SELECT 1")
            assert reset(a) == (expected, None)
            b.value("SELECT 1")
            assert a.rows(shown) == expected


@pytest.fixture
def routines(one):
    """Routines that leave something in the session."""
    for sql in ("CREATE FUNCTION IF NOT EXISTS mux.setu() RETURNS INT DETERMINISTIC BEGIN SET @leak = 42; RETURN 1; END",
                "CREATE FUNCTION IF NOT EXISTS mux.resize() RETURNS INT DETERMINISTIC BEGIN SET sort_buffer_size = 123456; RETURN 1; END",
                "CREATE FUNCTION IF NOT EXISTS mux.pure() RETURNS INT DETERMINISTIC RETURN 1",
                "CREATE TABLE IF NOT EXISTS mux.triggers (i INT)",
                "CREATE TRIGGER IF NOT EXISTS mux.tr BEFORE INSERT ON mux.triggers FOR EACH ROW SET @leak = 42"):
        one.upstream.query(sql)
    return one


def test_what_a_routine_of_another_database_sets_pins(routines):
    """While it runs the server changes the database, and tells."""
    for db in (None, "mysql"):
        with WireClient(routines.port, db=db) as a, WireClient(routines.port, db="mux") as b:
            assert a.value("SELECT mux.setu()") == "1"
            assert code_of(b.query("SELECT 1")) == USED_UP
            assert a.value("SELECT @leak") == "42"


def test_a_dropped_database_is_noticed(routines):
    """It cannot be chosen again on another connection: the session keeps its own."""
    with routines.connect(database="mux") as a, routines.connect(database="mux") as b:
        run(a, "CREATE DATABASE IF NOT EXISTS gone")
        run(a, "USE gone")
        run(a, "DROP DATABASE gone")
        assert error_of(b, "SELECT 1") == USED_UP
        assert error_of(a, "SHOW TABLES") == 1046
        run(a, "USE mux")
        assert len(run(a, "SHOW TABLES")) > 0


@pytest.mark.parametrize("prepared", [False, True])
@pytest.mark.parametrize("statement", ["SELECT setu()", "INSERT INTO triggers VALUES (1)", "SELECT resize()", "UPDATE t SET v = v WHERE setu()"])
def test_what_routines_set_pins(routines, wires, statement, prepared):
    a, b = wires
    assert code_of(b.query("INSERT INTO t (v) VALUES (1)")) is None
    packets = a.execute(a.prepare(statement)[0]) if prepared else a.query(statement)
    assert code_of(packets) is None
    assert "pinned: stored program" in [row[-1] for row in b.rows("SHOW PINTAIL SESSIONS")]
    assert code_of(b.query("SELECT 1")) == USED_UP
    shown = "SELECT @@sort_buffer_size" if "resize" in statement else "SELECT @leak"
    assert a.value(shown) == ("123456" if "resize" in statement else "42")
    a.close()
    assert b.value(shown) not in ("123456", "42")


@pytest.mark.parametrize("statement", ["SELECT pure()", "SET GLOBAL max_connections = 200", "FLUSH STATUS", "USE mysql",
                                       "SELECT COUNT(*) FROM information_schema.tables", "START TRANSACTION READ ONLY; COMMIT"])
@pytest.mark.parametrize("db", ["mux", None])
def test_what_leaves_nothing_does_not_pin(routines, statement, db):
    if db is None and statement in ("SELECT pure()", "USE mysql"):
        pytest.skip("needs a database, or makes it the session's")
    with WireClient(routines.port, db=db) as a, WireClient(routines.port, db="mux") as b:
        assert code_of(a.query(statement)) is None
        assert b.value("SELECT 1") == "1"


def test_changes_of_state_are_told_to_who_asks(routines):
    """Connections that are shared report them; clients see what they would without the relay."""
    caps = BASE | DEPRECATE_EOF | SESSION_TRACK
    script = ["SELECT 1", "SELECT setu()", "SET @a = 1", "SET time_zone = '+01:00'", "USE mux", "SET session_track_state_change = ON",
              "SELECT setu()", "SET @a = 2", "SET session_track_state_change = OFF"]
    with WireClient(routines.upstream.port, caps, db="mux") as direct, WireClient(routines.port, caps, db="mux") as ours:
        for sql in script:
            assert ours.query(sql) == direct.query(sql), sql


@pytest.mark.parametrize("dialect", ["mysql", "mariadb"])
def test_kill_leaves_a_transaction_its_connection(relays, dialect):
    """It is sent on the connection that the session has at the time."""
    relay = relays.relay(dialect, *MANY)
    relay.upstream.query("CREATE DATABASE IF NOT EXISTS mux")
    relay.upstream.query("CREATE TABLE IF NOT EXISTS mux.t (id INT AUTO_INCREMENT PRIMARY KEY, v INT)")
    with relay.connect(database="mux") as a, relay.connect(database="mux") as b, relay.connect(database="mux") as c:
        for connection in (a, b):
            run(connection, "BEGIN")
            run(connection, "INSERT INTO t (v) VALUES (321)")
        assert error_of(a, f"KILL QUERY {b.thread_id()}") is None
        assert value(c, "SELECT COUNT(*) FROM t WHERE v = 321") == 0
        assert value(a, "SELECT COUNT(*) FROM t WHERE v = 321") == 1
        run(a, "ROLLBACK")
        run(b, "ROLLBACK")
        assert value(a, "SELECT COUNT(*) FROM t WHERE v = 321") == 0


def test_types_of_another_session_are_not_taken(one):
    sql = "SELECT CAST(? AS SIGNED)"
    with WireClient(one.port, db="mux") as a, WireClient(one.port, db="mux") as b:
        ours, theirs = a.prepare(sql)[0], b.prepare(sql)[0]
        assert column_of(execute(a, ours, -5)) == -5
        packets = b.execute(theirs, params=b"\x00\x01\xfd\x00" + b"\x0277")
        assert column_of([payload for _, payload in packets]) == 77
        assert column_of(execute(a, ours, -6, types=False)) == -6


def execute_bulk(client, stmt_id, rows, types=None):
    """Rows of one parameter, as its type has them; types are sent when they are given. The affected rows."""
    body = struct.pack("<IH", stmt_id, 128 if types else 0) + (types or b"") + b"".join(b"\0" + row for row in rows)
    (_, reply), = client.command(COM_STMT_BULK_EXECUTE, body)
    if reply[:1] == b"\xff":
        raise ErrorPacket(reply)
    return lenenc(reply, 1)[0]


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_bulk_executions(relays, mode):
    """MariaDB's: as other executions, over connections where others have bound other types."""
    relay = relays.relay("mariadb", *(ONE if mode == "transaction" else ()))
    relay.query("CREATE DATABASE IF NOT EXISTS mux")
    relay.query("CREATE OR REPLACE TABLE mux.loaded (v INT)")
    sql = "INSERT INTO loaded VALUES (?)"
    numbers = [struct.pack("<i", n) for n in (1, 2, 3)]
    caps = BASE | MARIADB_STMT_BULK
    with WireClient(relay.port, caps, db="mux") as a, WireClient(relay.port, caps, db="mux") as b:
        ours, theirs = a.prepare(sql)[0], b.prepare(sql)[0]
        assert execute_bulk(a, ours, numbers, LONG) == 3
        assert execute_bulk(b, theirs, [b"\x0210", b"\x0211"], b"\xfd\0") == 2
        assert execute_bulk(a, ours, numbers[:2]) == 2  # types are sent once
        assert execute(b, theirs, 12)[0][:1] == b"\0"
        assert execute_bulk(b, theirs, numbers[:1]) == 1
        # Longer than what is looked at of a command.
        assert execute_bulk(a, ours, numbers[2:] * 30000) == 30000
        assert execute_bulk(a, ours, numbers[2:] * 30000, LONG) == 30000
        assert a.value("SELECT GROUP_CONCAT(DISTINCT CONCAT(v, ':', n) ORDER BY v) FROM "
                       "(SELECT v, COUNT(*) n FROM loaded GROUP BY v) g") == "1:3,2:2,3:60001,10:1,11:1,12:1"
        with pytest.raises(ErrorPacket) as e:
            execute_bulk(a, 99999, numbers, LONG)
        assert e.value.code == 1243
    (digest,) = relay.query("SHOW PINTAIL DIGESTS LIKE '%INTO `loaded`%'", cursorclass=pymysql.cursors.DictCursor)
    assert digest["Count"] == 7


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
