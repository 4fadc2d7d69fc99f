"""The change stream's connection to its source: prerequisites, reconnecting, rotation, purged logs, spoiled connections."""

import contextlib
import os
import signal
import struct
import sys
import time
import zlib

import pymysql
import pytest
from conftest import ROOT, Upstream

sys.path.insert(0, str(ROOT / "tests/faultproxy"))
import faultproxy  # noqa: E402

KINDS = ["mysql", "mariadb"]
WAIT_SECONDS = 60
ROW_FORMAT = {"binlog_format": "ROW", "binlog_row_image": "FULL"}


@pytest.fixture(scope="module", params=KINDS)
def source(request, shared_work):
    server = Upstream(request.param, shared_work / f"source-{request.param}", "--binlog").start()
    server.run("CREATE USER own IDENTIFIED BY 'opw'; GRANT ALL ON *.* TO own")
    yield server
    server.stop()


@pytest.fixture
def shop(source):
    """An empty database with a table of three rows; the only one."""
    source.run("DROP DATABASE IF EXISTS shop; CREATE DATABASE shop;"
               "CREATE TABLE shop.t (id INT PRIMARY KEY, v VARCHAR(100), b LONGBLOB);"
               "INSERT INTO shop.t VALUES (1, 'a', NULL), (2, 'b', NULL), (3, 'c', NULL)")
    yield source
    source.run("DROP DATABASE shop")


@pytest.fixture
def replica(new_server, source):
    """Makes a Pintail that copies the source, started."""
    return lambda *options, port=source.port, **account: follower(new_server, port, *options, **account)


def follower(new_server, port, *options, user="own", password="opw"):
    server = new_server("--storage", "hybrid", "--mysql-host", "127.0.0.1", "--mysql-port", str(port), "--mysql-user", user,
                        "--mysql-password", password, "--replica-retry", "100ms", "--replica-heartbeat", "1s", *options)
    server.account = {"user": user, "password": password}  # It may see and control the replica.
    return server.start()


def wait_for(condition, what=lambda: ""):
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"what was waited for did not happen: {what()}"
        time.sleep(0.05)


def status(server):
    """SHOW REPLICA STATUS as a dict, with MySQL's names."""
    with server.connect(**server.account) as connection, connection.cursor(pymysql.cursors.DictCursor) as cursor:
        cursor.execute("SET pintail_route = column")
        cursor.execute("SHOW REPLICA STATUS")
        return {name.replace("Slave_", "Replica_"): value for name, value in cursor.fetchone().items()}


def run(server, sql):
    """A statement about the replica."""
    with server.connect(**server.account) as connection, connection.cursor() as cursor:
        cursor.execute("SET pintail_route = column")
        cursor.execute(sql)


def rows_of(server, sql):
    """What a query on the copy gives; None while it cannot be asked."""
    try:
        with server.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SET pintail_route = column")
            cursor.execute(sql)
            return cursor.fetchall()
    except pymysql.Error:
        return None


ALL = "SELECT id, v, LENGTH(b) FROM shop.t ORDER BY id"


def wait_for_copy(server, source):
    wanted = source.query(ALL)
    wait_for(lambda: rows_of(server, ALL) == wanted, lambda: (status(server), server.log_text()[-3000:]))


def wait_for_error(server, *parts):
    """Waits until the source has stopped with a text that has all parts."""

    def stopped():
        s = status(server)
        return s["Replica_IO_Running"] == "No" and all(part in s["Last_IO_Error"] for part in parts)

    wait_for(stopped, lambda: (status(server), server.log_text()[-3000:]))


def dump_threads(source):
    sql = "SELECT id FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%' AND user = 'own'"
    return [row[0] for row in source.query(sql)]


def wait_for_dump(source, other_than=()):
    wait_for(lambda: set(dump_threads(source)) - set(other_than))


# ---- Connections that are lost ----


def test_follows_what_is_written(shop, replica):
    server = replica()
    wait_for_copy(server, shop)
    shop.run("INSERT INTO shop.t VALUES (4, 'd', NULL); UPDATE shop.t SET v = 'x' WHERE id < 3; DELETE FROM shop.t WHERE id = 3")
    wait_for_copy(server, shop)
    s = status(server)
    assert s["Replica_IO_Running"] == "Yes" and s["Replica_SQL_Running"] == "Yes", s


def test_goes_on_after_its_connection_was_killed(shop, replica):
    server = replica()
    wait_for_copy(server, shop)
    for i in range(10, 13):
        wait_for_dump(shop)
        for thread in dump_threads(shop):
            shop.query(f"KILL {thread}")
        shop.run(f"INSERT INTO shop.t VALUES ({i}, 'after', NULL)")
        wait_for_copy(server, shop)


def test_a_password_that_changes_is_read_again(shop, replica, work):
    secret = work / "secret"
    secret.write_text("before")
    shop.run("DROP USER IF EXISTS turn; CREATE USER turn IDENTIFIED BY 'before'; GRANT ALL ON *.* TO turn")
    server = replica("--mysql-password", "", "--mysql-password-file", str(secret), "--pool-mode", "transaction", user="turn",
                     password="before")
    wait_for_copy(server, shop)
    with server.connect(**server.account) as connection, connection.cursor() as cursor:
        cursor.execute("DO 1")
        shop.run("ALTER USER turn IDENTIFIED BY 'after'")
        secret.write_text("after")
        server.signal(signal.SIGHUP)
        wait_for(lambda: " reloaded" in server.log_text())
        for (thread,) in shop.query("SELECT id FROM information_schema.processlist WHERE user = 'turn'"):
            with contextlib.suppress(pymysql.Error):  # Gone by itself.
                shop.query(f"KILL {thread}")
        shop.run("INSERT INTO shop.t VALUES (4, 'with the new password', NULL)")
        wait_for_copy(server, shop)

        def answers():
            """The connection that it had is found to be dead only when it is used."""
            with contextlib.suppress(pymysql.OperationalError):
                cursor.execute("SELECT v FROM shop.t WHERE id = 4")
                return cursor.fetchall() == (("with the new password",),)
            return False
        wait_for(answers)
    assert "Access denied" not in server.log_text()


def test_goes_on_after_a_restart_of_the_source(shop, replica):
    server = replica()
    wait_for_copy(server, shop)
    port = shop.port
    shop.stop()
    wait_for(lambda: "lost" in server.log_text())
    shop.start(f"--port={port}")
    shop.run("INSERT INTO shop.t VALUES (20, 'after', NULL)")
    wait_for_copy(server, shop)
    assert status(server)["Replica_IO_Running"] == "Yes"


def test_goes_on_in_the_next_log_file(shop, replica):
    server = replica()
    wait_for_copy(server, shop)
    for i in range(30, 35):
        shop.run(f"FLUSH BINARY LOGS; INSERT INTO shop.t VALUES ({i}, 'rotated', NULL)")
    wait_for_copy(server, shop)


def test_goes_on_after_being_away(shop, replica):
    server = replica()
    wait_for_copy(server, shop)
    assert server.stop() == 0
    shop.run("INSERT INTO shop.t VALUES (40, 'away', NULL); FLUSH BINARY LOGS; DELETE FROM shop.t WHERE id = 1")
    server.start()
    wait_for_copy(server, shop)
    assert "copied in" not in server.log_text().split("ready for connections")[-1], "the table was copied again"


def test_stop_and_start(shop, replica):
    server = replica()
    wait_for_copy(server, shop)
    before = dump_threads(shop)
    run(server, "STOP REPLICA")
    assert status(server)["Replica_IO_Running"] == "No"
    shop.run("INSERT INTO shop.t VALUES (50, 'stopped', NULL)")
    run(server, "START REPLICA")
    wait_for_copy(server, shop)
    wait_for(lambda: dump_threads(shop) and dump_threads(shop) != before)


# ---- Spoiled connections ----


def test_a_connection_cut_within_events(shop, replica):
    with faultproxy.FaultProxy(shop.port) as proxy:
        server = replica(port=proxy.port)
        wait_for_copy(server, shop)
        for i, count in enumerate((1, 100, 5000, 70000, 150000)):
            # New connections get through until they have brought so much.
            proxy.down = cut_once(proxy, count)
            shop.run(f"INSERT INTO shop.t VALUES ({60 + i}, 'cut', REPEAT('x', 300000))")
            wait_for_copy(server, shop)
        assert status(server)["Replica_IO_Running"] == "Yes"


def cut_once(proxy, count):
    """Cuts all connections after that many bytes from now on, once."""
    seen = [0]

    def rule(data, _before):
        seen[0] += len(data)
        if seen[0] >= count:
            proxy.down = faultproxy.forward
            raise faultproxy.Cut(data[:len(data) // 2])
        return data

    return rule


def test_a_silent_connection_is_made_anew(shop, replica):
    with faultproxy.FaultProxy(shop.port) as proxy:
        server = replica(port=proxy.port)
        wait_for_copy(server, shop)
        before = proxy.accepted
        proxy.down = lambda data, _before: data if proxy.accepted > before else b""
        shop.run("INSERT INTO shop.t VALUES (70, 'silent', NULL)")
        wait_for(lambda: proxy.accepted > before)
        wait_for_copy(server, shop)


def test_a_connection_that_ends_while_it_begins(shop, replica):
    with faultproxy.FaultProxy(shop.port) as proxy:
        proxy.up = faultproxy.cut_after(60)  # Within TLS's first message (MySQL), or the login (MariaDB, which has no certificate).
        server = replica(port=proxy.port)
        error = "TLS connection error" if shop.dialect == "mysql" else "Lost connection"
        wait_for(lambda: f"cannot be followed yet, trying again: {error}" in server.log_text(), server.log_text)
        proxy.up = faultproxy.forward
        wait_for_copy(server, shop)


def test_corrupt_events_stop_the_stream(shop, replica):
    with faultproxy.FaultProxy(shop.port) as proxy:
        server = replica("--storage-mysql-tls-mode", "disabled", port=proxy.port)
        wait_for_copy(server, shop)
        proxy.down = spoil("spoil me")
        shop.run("INSERT INTO shop.t VALUES (80, 'please spoil me now', NULL)")
        wait_for(lambda: "checksum" in "".join(str(status(server)[c]) for c in ("Last_IO_Error", "Last_SQL_Error")),
                 lambda: (status(server), server.log_text()[-3000:]))
        assert rows_of(server, "SELECT COUNT(*) FROM shop.t WHERE id = 80") == ((0,),)
        proxy.down = faultproxy.forward
        run(server, "STOP REPLICA")
        run(server, "START REPLICA")
        wait_for_copy(server, shop)


def test_a_start_right_behind_a_failure(shop, replica):
    """What has failed is as good as stopped, though it takes a moment to end."""
    with faultproxy.FaultProxy(shop.port) as proxy:
        server = replica("--storage-mysql-tls-mode", "disabled", port=proxy.port)
        with server.connect(**server.account) as connection, connection.cursor(pymysql.cursors.DictCursor) as cursor:
            cursor.execute("SET pintail_route = column")

            def has_failed():
                cursor.execute("SHOW REPLICA STATUS")
                row = cursor.fetchone()
                return "checksum" in row["Last_IO_Error"] + row["Last_SQL_Error"]

            for number in range(3):
                wait_for_copy(server, shop)
                proxy.down = spoil("spoil me")
                shop.run(f"INSERT INTO shop.t VALUES ({84 + number}, 'please spoil me now', NULL)")
                wait_for(has_failed)
                proxy.down = faultproxy.forward
                cursor.execute("START REPLICA")
                cursor.execute("SHOW WARNINGS")
                assert not cursor.fetchall()
        wait_for_copy(server, shop)


def spoil(text):
    """Changes a letter of a text where it goes by in one piece."""

    def rule(data, _before):
        return data.replace(text.encode(), text.upper().encode())

    return rule


# ---- What cannot be followed ----


def purge(source):
    source.run("FLUSH BINARY LOGS; FLUSH BINARY LOGS")
    last = source.query("SHOW BINARY LOGS")[-1][0]

    def purged():
        source.query(f"PURGE BINARY LOGS TO '{last}'")
        return len(source.query("SHOW BINARY LOGS")) == 1

    wait_for(purged)


def purged(source, replica, key):
    """A replica whose changes went from the log while it was away, and that has said so."""
    server = replica()
    wait_for_copy(server, source)
    assert server.stop() == 0
    source.run(f"INSERT INTO shop.t VALUES ({key}, 'purged', NULL)")
    purge(source)
    server.start()
    wait_for_error(server, "1236", "RESET REPLICA and START REPLICA copy the tables anew")
    return server


def copy_anew(server, source):
    """What the errors below tell to do."""
    run(server, "RESET REPLICA")
    run(server, "START REPLICA")
    wait_for_copy(server, source)


def test_a_purged_position_says_what_to_do(shop, replica):
    server = purged(shop, replica, 90)
    copy_anew(server, shop)


def cut_off_transaction(log):
    """The beginning of a transaction like the last one: MariaDB's GTID event, and what follows it but for the end."""
    at, gtid = 4, None
    while at < len(log):
        kind, length = log[at + 4], struct.unpack_from("<I", log, at + 9)[0]
        if kind == 162:
            gtid, behind = bytearray(log[at:at + length]), log[at + length:-50_000]
        at += length
    struct.pack_into("<I", gtid, 13, len(log) + len(gtid))
    struct.pack_into("<Q", gtid, 19, struct.unpack_from("<Q", gtid, 19)[0] + 1)
    struct.pack_into("<I", gtid, len(gtid) - 4, zlib.crc32(gtid[:-4]))
    return bytes(gtid) + behind


@pytest.mark.parametrize("where", ["behind the copy", "further on"])
def test_a_log_that_is_cut_off_by_a_crash(shop, replica, where):
    """MySQL cuts its log where it is whole; MariaDB leaves it, and tells who reads on that it is cut off."""
    server = replica()
    wait_for_copy(server, shop)
    large = "FLUSH BINARY LOGS; INSERT INTO shop.t VALUES (92, 'before', REPEAT('x', 100000))"
    if where == "behind the copy":
        shop.run(large)
        wait_for_copy(server, shop)
    assert server.stop() == 0
    if where == "further on":
        shop.run(large)
    last = shop.query("SHOW BINARY LOGS")[-1][0]
    if shop.dialect == "mariadb":
        # Before the checkpoint a crash takes the newest GTIDs from what MariaDB knows of its log.
        wait_for(lambda: [event[2] for event in shop.query(f"SHOW BINLOG EVENTS IN '{last}'")].count("Binlog_checkpoint") == 2)
    port, log = shop.port, shop.work / "data" / last
    os.kill(shop.pid(), signal.SIGKILL)
    shop.stop()
    written = log.read_bytes()
    with open(log, "ab") as out:
        out.write(cut_off_transaction(written) if shop.dialect == "mariadb" else written[-100:-50])
    shop.start(f"--port={port}")
    shop.run("INSERT INTO shop.t VALUES (93, 'behind', NULL)")
    server.start()
    wait_for_copy(server, shop)
    assert ("truncated in the middle of event" in server.log_text()) == (shop.dialect == "mariadb")
    assert status(server)["Replica_IO_Running"] == "Yes"
    assert "copied in" not in server.log_text().split("ready for connections")[-1], "the table was copied again"


def test_a_source_that_lost_what_the_copy_has(shop, replica):
    server = replica()
    wait_for_copy(server, shop)
    assert server.stop() == 0
    # As a crash without synced logs leaves it: what was applied was never there, and its GTIDs are given again.
    reset = "RESET BINARY LOGS AND GTIDS" if shop.dialect == "mysql" else "RESET MASTER"
    shop.run(reset)
    server.start()
    wait_for_error(server, "which the copy has", "RESET REPLICA and START REPLICA")
    copy_anew(server, shop)


def test_a_source_that_gives_gtids_again(shop, replica):
    server = replica()
    wait_for_copy(server, shop)
    shop.run("INSERT INTO shop.t VALUES (91, 'lost', NULL)")
    wait_for_copy(server, shop)
    assert server.stop() == 0
    # The last transaction is another one now, of the same GTID.
    shop.run("DELETE FROM shop.t WHERE id = 91")
    if shop.dialect == "mysql":
        uuid, numbers = shop.query("SELECT @@gtid_executed")[0][0].split(":", 1)
        before = int(numbers.split("-")[-1]) - 2  # the row's own number, less one
        shop.run(f"RESET BINARY LOGS AND GTIDS; SET GLOBAL gtid_purged = '{uuid}:1-{before}'")
    else:
        domain, number, sequence = shop.query("SELECT @@gtid_binlog_pos")[0][0].split("-")
        shop.run(f"RESET MASTER; SET GLOBAL gtid_binlog_state = '{domain}-{number}-{int(sequence) - 2}'")
    shop.run("INSERT INTO shop.t VALUES (92, 'other', NULL)")
    server.start()
    wait_for_error(server, "used its GTIDs again")
    copy_anew(server, shop)


@contextlib.contextmanager
def prepared_transaction(source, key):
    with source.connect() as connection, connection.cursor() as cursor:
        for sql in ("XA START 'x'", f"INSERT INTO shop.t VALUES ({key}, 'xa', NULL)", "XA END 'x'", "XA PREPARE 'x'"):
            cursor.execute(sql)
        try:
            yield
        finally:
            cursor.execute("XA COMMIT 'x'")


def wait_until_it_waits(server):
    wait_for(lambda: "XA RECOVER" in status(server)["Last_IO_Error"], lambda: (status(server), server.log_text()[-3000:]))


def test_a_copy_that_began_within_a_prepared_transaction(shop, replica):
    """It begins once more as long as nothing was applied. (A position is given to get there; else it takes a race.)"""
    server = replica("--replica-autostart", "off")
    with prepared_transaction(shop, 98):
        file, position = shop.query("SHOW BINARY LOG STATUS" if shop.dialect == "mysql" else "SHOW MASTER STATUS")[0][:2]
    run(server, f"CHANGE REPLICATION SOURCE TO SOURCE_LOG_FILE = '{file}', SOURCE_LOG_POS = {position}")
    run(server, "START REPLICA")
    wait_for_copy(server, shop)
    assert "begins once more" in server.log_text()
    assert status(server)["Last_SQL_Error"] == ""


def test_prepared_transactions_are_waited_for(shop, replica):
    with prepared_transaction(shop, 95):
        server = replica()
        wait_until_it_waits(server)
        assert "the copy begins" not in server.log_text()
    wait_for_copy(server, shop)


def test_errors_of_before_are_forgotten_at_the_start(shop, replica):
    server = purged(shop, replica, 96)
    with prepared_transaction(shop, 97):
        run(server, "RESET REPLICA")
        run(server, "START REPLICA")
        wait_until_it_waits(server)
        assert status(server)["Last_SQL_Error"] == "" and "1236" not in status(server)["Last_IO_Error"]
    wait_for_copy(server, shop)


def test_the_sources_own_server_id(shop, replica):
    number = shop.query("SELECT @@server_id")[0][0]
    server = replica("--replica-server-id", str(number))
    wait_for_error(server, "our own server id")


def test_two_replicas_of_one_server_id(shop, replica):
    first = replica("--replica-server-id", "4711")
    wait_for_copy(first, shop)
    second = replica("--replica-server-id", "4711")

    def told():
        return any("Another replica with our server id" in s["Last_IO_Error"] for s in (status(first), status(second)))

    wait_for(told, lambda: (status(first), status(second)))


SETTINGS = {
    "mysql": [("binlog_format", "STATEMENT", "SET GLOBAL binlog_format = ROW")],
    "mariadb": [("binlog_format", "STATEMENT", "SET GLOBAL binlog_format = ROW"),
                ("binlog_row_image", "MINIMAL", "SET GLOBAL binlog_row_image = FULL")],
}


def test_settings_that_prevent_it_are_all_told(shop, replica):
    settings = SETTINGS[shop.dialect]
    for name, value, _ in settings:
        shop.query(f"SET GLOBAL {name} = '{value}'")
    try:
        server = replica()
        wait_for_error(server, *(text for _, _, text in settings))
    finally:
        for name, _, _ in settings:
            shop.query(f"SET GLOBAL {name} = '{ROW_FORMAT[name]}'")
    run(server, "START REPLICA")
    wait_for_copy(server, shop)


def position_grant(source):
    return "REPLICATION CLIENT" if source.dialect == "mysql" else "BINLOG MONITOR"


@pytest.fixture
def weak(shop):
    """An account without any right."""
    shop.run("DROP USER IF EXISTS weak; CREATE USER weak IDENTIFIED BY 'wpw'")
    yield {"user": "weak", "password": "wpw"}
    shop.run("DROP USER weak")


def table_state(server, name):
    with server.connect(**server.account) as connection, connection.cursor() as cursor:
        cursor.execute("SET pintail_route = column")
        cursor.execute(f"SELECT state FROM pintail.tables WHERE `database` = 'shop' AND name = '{name}'")
        return cursor.fetchone()


def test_missing_grants_are_all_told(shop, replica, weak):
    server = replica(**weak)
    wanted = ("REPLICATION SLAVE", position_grant(shop), "SELECT", "LOCK TABLES")
    wait_for_error(server, *(f"GRANT {grant} ON *.*" for grant in wanted))
    # A right on some columns is none on the table.
    shop.run(f"GRANT REPLICATION SLAVE, {position_grant(shop)} ON *.* TO weak; GRANT SELECT (id), INSERT ON shop.t TO weak;"
             "GRANT LOCK TABLES ON shop.* TO weak")
    run(server, "START REPLICA")
    wait_for_error(server, "GRANT SELECT ON *.*")
    assert "GRANT LOCK TABLES" not in status(server)["Last_IO_Error"]
    shop.run("GRANT SELECT ON shop.* TO weak")
    run(server, "START REPLICA")
    wait_for_copy(server, shop)
    assert "has SELECT on some databases or tables only" in server.log_text()


def test_grants_may_come_by_a_role(shop, replica, weak):
    shop.run("DROP ROLE IF EXISTS reader; CREATE ROLE reader; GRANT SELECT, LOCK TABLES ON *.* TO reader;"
             f"GRANT REPLICATION SLAVE, {position_grant(shop)} ON *.* TO weak; GRANT reader TO weak;"
             f"SET DEFAULT ROLE reader {'TO' if shop.dialect == 'mysql' else 'FOR'} weak")
    wait_for_copy(replica(**weak), shop)
    shop.run("DROP ROLE reader")


@pytest.mark.parametrize("scope", ["*.*", "shop.*"])
def test_a_revoked_grant_removes_no_table(shop, replica, weak, scope):
    """Tables that cannot be seen any more are not gone."""
    shop.run(f"GRANT REPLICATION SLAVE, {position_grant(shop)} ON *.* TO weak; GRANT SELECT, LOCK TABLES ON {scope} TO weak")
    if scope != "*.*":
        shop.run("GRANT SELECT ON other.* TO weak")  # Some right to read is left.
    server = replica(**weak)
    wait_for_copy(server, shop)
    run(server, "STOP REPLICA")
    shop.run(f"REVOKE SELECT ON {scope} FROM weak; REVOKE LOCK TABLES ON {scope} FROM weak; GRANT LOCK TABLES ON other.* TO weak;"
             "INSERT INTO shop.t VALUES (4, 'meanwhile', NULL)")
    run(server, "START REPLICA")
    wait_for_error(server, "cannot be followed", "GRANT SELECT ON *.* to it")
    assert table_state(server, "t") == ("live",)
    shop.run(f"GRANT SELECT, LOCK TABLES ON {scope} TO weak")
    run(server, "START REPLICA")
    wait_for_copy(server, shop)
    assert status(server)["Last_IO_Error"] == ""
    assert server.log_text().count("copied in") == 1, "the table was copied again"
    assert "removed from the copy" not in server.log_text()


def test_a_hidden_table_may_be_taken_out_of_the_copy(shop, replica, weak):
    """Which lets go on with the others."""
    shop.run(f"GRANT REPLICATION SLAVE, {position_grant(shop)} ON *.* TO weak; GRANT LOCK TABLES ON shop.* TO weak;"
             "CREATE TABLE shop.hidden (id INT PRIMARY KEY); GRANT SELECT ON shop.t TO weak; GRANT SELECT ON shop.hidden TO weak")
    server = replica(**weak)
    wait_for(lambda: table_state(server, "hidden") == ("live",), server.log_text)
    run(server, "STOP REPLICA")
    shop.run("REVOKE SELECT ON shop.hidden FROM weak")
    run(server, "START REPLICA")
    wait_for_error(server, "`shop`.`hidden`, which the copy has", "PINTAIL DROP TABLE")
    run(server, "PINTAIL DROP TABLE shop.hidden")
    shop.run("INSERT INTO shop.t VALUES (4, 'd', NULL); CREATE TABLE shop.seen (id INT PRIMARY KEY); GRANT SELECT ON shop.seen TO weak")
    run(server, "START REPLICA")
    wait_for_copy(server, shop)
    wait_for(lambda: table_state(server, "seen") == ("live",), server.log_text)
    assert table_state(server, "hidden") == ("aside",) and table_state(server, "t") == ("live",)


def test_a_table_that_was_dropped_without_a_word_in_the_log(shop, replica):
    shop.run("CREATE TABLE shop.gone (id INT PRIMARY KEY); CREATE TABLE shop.viewed (id INT PRIMARY KEY);"
             "CREATE DATABASE lost; CREATE TABLE lost.gone (id INT PRIMARY KEY)")
    server = replica()
    wait_for(lambda: all(rows_of(server, f"SELECT COUNT(*) FROM {name}") == ((0,),) for name in ("shop.gone", "shop.viewed", "lost.gone")),
             server.log_text)
    run(server, "STOP REPLICA")
    shop.run("SET SESSION sql_log_bin = 0; DROP TABLE shop.gone, shop.viewed; CREATE VIEW shop.viewed AS SELECT id FROM shop.t;"
             "DROP DATABASE lost; SET SESSION sql_log_bin = 1; INSERT INTO shop.t VALUES (4, 'd', NULL)")
    run(server, "START REPLICA")
    wait_for_copy(server, shop)
    wait_for(lambda: server.log_text().count("is removed from the copy") == 3, server.log_text)
    assert table_state(server, "gone") is None and table_state(server, "viewed") is None and table_state(server, "t") == ("live",)


@contextlib.contextmanager
def setting(source, name, value):
    """A global variable for a while; skips where the server has none of the name."""
    before = source.query(f"SHOW GLOBAL VARIABLES LIKE '{name}'")
    if not before:
        pytest.skip(f"this server has no {name}")
    source.query(f"SET GLOBAL {name} = {value}")
    try:
        yield
    finally:
        source.query(f"SET GLOBAL {name} = {before[0][1]}")


@pytest.mark.parametrize("name, value, good, text", [
    ("sync_binlog", 0, 1, "the source's sync_binlog is 0: a crash of its machine may lose the end of its log"),
    ("binlog_expire_logs_seconds", 3600, 86400, "the source keeps its log for 3600 s only")])
def test_settings_that_are_warned_of(shop, replica, name, value, good, text):
    server = replica("--replica-autostart", "off")
    with setting(shop, name, good):
        run(server, "START REPLICA")
        wait_for_copy(server, shop)
        assert text not in server.log_text()
        run(server, "STOP REPLICA")
    with setting(shop, name, value):
        run(server, "START REPLICA")
        wait_for(lambda: text in server.log_text(), server.log_text)
        assert status(server)["Replica_IO_Running"] != "No"


def test_a_position_beyond_the_end_says_what_to_do(shop, replica):
    server = replica("--replica-autostart", "off")
    file = shop.query("SHOW BINARY LOG STATUS" if shop.dialect == "mysql" else "SHOW MASTER STATUS")[0][0]
    run(server, f"CHANGE REPLICATION SOURCE TO SOURCE_LOG_FILE = '{file}', SOURCE_LOG_POS = 1000000000")
    run(server, "START REPLICA")
    wait_for_error(server, "1236", "beyond the end of the source's log file", "RESET REPLICA and START REPLICA")
    copy_anew(server, shop)


def gtids(source):
    return source.query("SELECT @@gtid_executed" if source.dialect == "mysql" else "SELECT @@gtid_binlog_pos")[0][0]


def test_what_was_received_is_shown(shop, replica):
    """By the names of both families; never less than what was applied."""
    server = replica()
    wait_for_copy(server, shop)
    received = "Retrieved_Gtid_Set" if shop.dialect == "mysql" else "Gtid_IO_Pos"
    for i in range(3):
        shop.run(f"INSERT INTO shop.t VALUES ({4 + i}, 'received', NULL)")
        wait_for_copy(server, shop)
        assert status(server)[received] == gtids(shop)
    before = gtids(shop)
    run(server, "STOP REPLICA")
    shop.run("INSERT INTO shop.t VALUES (8, 'stopped', NULL)")
    assert status(server)[received] == before
    run(server, "START REPLICA")
    wait_for_copy(server, shop)
    assert status(server)[received] == gtids(shop)


def test_what_a_source_is_started_with(new_server, work):
    bare = Upstream("mariadb", work / "bare").start("--skip-log-bin", "--lower-case-table-names=1")
    try:
        bare.run("CREATE USER own IDENTIFIED BY 'opw'; GRANT ALL ON *.* TO own")
        wait_for_error(follower(new_server, bare.port), "its binary log is off", "lower_case_table_names is 1")
    finally:
        bare.stop()


@pytest.mark.parametrize("kind", KINDS)
def test_the_log_comes_by_tls(new_server, work, kind):
    """From a server whose certificate is verified, for an account that is not let in otherwise."""
    server = Upstream(kind, work / "encrypted", "--tls=on", "--binlog").start()
    try:
        server.run("CREATE USER own IDENTIFIED BY 'opw' REQUIRE SSL; GRANT ALL ON *.* TO own; CREATE DATABASE shop;"
                   "CREATE TABLE shop.t (id INT PRIMARY KEY, v VARCHAR(100), b LONGBLOB)")
        plain = follower(new_server, server.port, "--storage-mysql-tls-mode", "disabled")
        wait_for(lambda: "stopped" in plain.log_text() or "cannot be followed" in plain.log_text(), plain.log_text)
        assert "Access denied" in plain.log_text()
        copy = follower(new_server, server.port, "--storage-mysql-tls-mode", "verify_identity", "--storage-mysql-tls-ca",
                        str(server.work / "tls/ca.pem"))
        copy.account["ssl"] = {"ca": None}
        wait_for_copy(copy, server)
        server.run("INSERT INTO shop.t VALUES (1, 'by TLS', REPEAT('x', 100000))")
        wait_for_copy(copy, server)
        assert status(copy)["Replica_IO_Running"] == "Yes"
    finally:
        server.stop()


@pytest.mark.parametrize("change, text", [
    ("ADD COLUMN more INT", "another number of columns than the copy of `shop`.`t`"),
    ("MODIFY v VARBINARY(100)", "another character set of column `v`"), ("MODIFY id BIGINT", "another type of column `id`"),
    ("CHANGE v w VARCHAR(100)", "another name of column `v`")])
def test_a_definition_that_changed_without_a_word_in_the_log(shop, replica, change, text):
    server = replica()
    wait_for_copy(server, shop)
    shop.run(f"SET SESSION sql_log_bin = 0; ALTER TABLE shop.t {change}; SET SESSION sql_log_bin = 1; DELETE FROM shop.t WHERE id = 1")

    def stopped():
        s = status(server)
        return s["Replica_SQL_Running"] == "No" and s["Last_SQL_Errno"] == 1412 and "the log has " + text in s["Last_SQL_Error"]

    wait_for(stopped, lambda: (status(server), server.log_text()[-3000:]))
    run(server, "PINTAIL COPY TABLE shop.t")
    run(server, "START REPLICA")
    wait_for(lambda: rows_of(server, "SELECT id FROM shop.t ORDER BY id") == ((2,), (3,)), server.log_text)
