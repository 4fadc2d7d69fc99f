"""What becomes of a copy when something cannot be followed, what is told of it meanwhile, and that the remedies that are told work."""

import sys
import threading

import pymysql
import pytest
from conftest import ROOT, Upstream, run
from test_replica import column, copied_at, make_replica, replica, same, shop, source, status, tables, wait_for, wait_live  # noqa: F401

sys.path.insert(0, str(ROOT / "tests/faultproxy"))
import faultproxy  # noqa: E402


def rows_of(server, sql):
    """Rows by the names of their columns."""
    with column(server) as connection, connection.cursor(pymysql.cursors.DictCursor) as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def command(server, *statements):
    with column(server) as connection:
        for sql in statements:
            run(connection, sql)


def wait_for_stop(server):
    """The error that has stopped it."""
    def now():
        return rows_of(server, "SELECT started, read_error, apply_error FROM pintail.replica")[0]

    wait_for(lambda: now()["started"] == "NO" and (now()["apply_error"] or now()["read_error"]), lambda: (now(), server.log_text()[-3000:]))
    return status(server)


def wait_aside(server, name):
    """The reason."""
    now = {}

    def is_aside():
        now.update(tables(server))
        return now.get(name, ("",))[0] == "aside" and now[name][1]

    wait_for(is_aside, lambda: (now, server.log_text()[-3000:]))
    return now[name][1]


# ---- Copy and log disagree ----

# A row that the copy does not have is changed.
UNLOGGED = "SET SESSION sql_log_bin = 0; INSERT INTO shop.goods (id, name) VALUES (77, 'unseen'); SET SESSION sql_log_bin = 1;" \
           "UPDATE shop.goods SET name = 'y' WHERE id = 77; INSERT INTO shop.sales VALUES ('2024-02-02', 9, 9)"


def test_a_change_that_does_not_fit_stops(replica, shop):
    wait_live(replica)
    shop.run(UNLOGGED)
    shown = wait_for_stop(replica)
    assert shown["Last_SQL_Errno"] == 1032
    for part in ("`shop`.`goods`", "changes 1 rows", "the copy has 0", "keys: (77)", "(after "):
        assert part in shown["Last_SQL_Error"] and part in replica.log_text(), shown
    command(replica, "PINTAIL COPY TABLE shop.goods", "START REPLICA")
    wait_live(replica)
    assert same(replica, shop, "shop.goods", "id") == 3
    same(replica, shop, "shop.sales", "day, shop")


def test_an_insert_is_not_looked_for(replica, shop):
    """A row that was deleted behind the log's back is there twice when it is inserted again. Comparing finds it; so does its next change."""
    wait_live(replica)
    shop.run("SET SESSION sql_log_bin = 0; DELETE FROM shop.goods WHERE id = 2; SET SESSION sql_log_bin = 1;"
             "INSERT INTO shop.goods (id, name) VALUES (2, 'again')")
    with column(replica) as connection:
        run(connection, "SET pintail_freshness = strong")
        assert run(connection, "SELECT COUNT(*) FROM shop.goods WHERE id = 2") == ((2,),)
        assert run(connection, "PINTAIL VERIFY TABLE shop.goods")[-1][2] == "Error"
    shop.run("UPDATE shop.goods SET name = 'changed' WHERE id = 2")
    assert "the copy has 2; keys: (2)" in wait_for_stop(replica)["Last_SQL_Error"]
    command(replica, "PINTAIL COPY TABLE shop.goods", "START REPLICA")
    wait_live(replica)
    assert same(replica, shop, "shop.goods", "id") == 2


def test_by_policy_the_table_is_set_aside(new_server, shop):
    server = make_replica(new_server, shop, "--replica-on-error", "set_aside").start()
    wait_live(server)
    shop.run(UNLOGGED)
    assert "keys: (77)" in wait_aside(server, "goods")
    same(server, shop, "shop.sales", "day, shop")
    # It does not come back by itself.
    shop.run("ALTER TABLE shop.sales ADD x INT DEFAULT 5; CREATE TABLE shop.late (i INT PRIMARY KEY)")
    assert server.stop() == 0
    server.start()
    wait_live(server, ("sales", "late"))
    same(server, shop, "shop.sales", "day, shop")
    assert "keys: (77)" in wait_aside(server, "goods")
    command(server, "PINTAIL COPY TABLE shop.goods")
    wait_live(server)
    assert same(server, shop, "shop.goods", "id") == 3


def test_by_policy_not_in_portions(new_server, shop):
    """A transaction that is partly written can be undone as a whole only: it stops, and goes on without the table."""
    server = make_replica(new_server, shop, "--replica-on-error", "set_aside", "--replica-huge-transaction", "1MiB").start()
    wait_live(server)
    shop.run("SET SESSION sql_log_bin = 0; INSERT INTO shop.goods (id, name) VALUES (77, 'unseen'); SET SESSION sql_log_bin = 1;"
             "CREATE TABLE shop.many (id INT PRIMARY KEY AUTO_INCREMENT, name CHAR(60));"
             "BEGIN; INSERT INTO shop.many (name) WITH RECURSIVE n AS (SELECT 1 i UNION ALL SELECT i + 1 FROM n WHERE i < 900) "
             "SELECT REPEAT('x', 60) FROM n a JOIN n b WHERE b.i <= 50;"
             "UPDATE shop.goods SET name = 'y' WHERE id = 77; COMMIT")
    assert "keys: (77)" in wait_for_stop(server)["Last_SQL_Error"]
    command(server, "PINTAIL DROP TABLE shop.goods", "START REPLICA FOR CHANNEL 'pintail'")
    assert same(server, shop, "shop.many", "id") == 45000
    same(server, shop, "shop.sales", "day, shop")
    command(server, "PINTAIL COPY TABLE shop.goods")
    wait_live(server)
    same(server, shop, "shop.goods", "id")


def test_statements_in_the_log_stop(replica, shop):
    wait_live(replica)
    with shop.connect() as connection:
        run(connection, "SET SESSION binlog_format = STATEMENT")
        run(connection, "UPDATE shop.goods SET price = price + 1")
    for _ in range(2):  # It is met again.
        shown = wait_for_stop(replica)
        assert shown["Last_SQL_Errno"] == 1235 and "UPDATE shop.goods SET price" in shown["Last_SQL_Error"], shown
        command(replica, "START REPLICA")
    wait_for_stop(replica)
    command(replica, "RESET REPLICA", "START REPLICA")
    wait_live(replica)
    same(replica, shop, "shop.goods", "id")


# ---- Tables that are not copied ----


def test_tables_without_transactions(replica, shop):
    wait_live(replica)
    shop.run("CREATE TABLE shop.isam (id INT PRIMARY KEY, s VARCHAR(20)) ENGINE = MyISAM; INSERT INTO shop.isam VALUES (1, 'a'), (2, 'b')")
    if shop.dialect == "mariadb":  # Otherwise GTIDs forbid it.
        with shop.connect(autocommit=False) as connection:
            for end in (connection.commit, connection.rollback):
                run(connection, "INSERT INTO shop.goods (name) VALUES ('perhaps')")
                run(connection, "INSERT INTO shop.isam (id) VALUES (3) ON DUPLICATE KEY UPDATE s = 'c'")
                end()
    same(replica, shop, "shop.goods", "id")
    assert "engine" in wait_aside(replica, "isam")
    shop.run("ALTER TABLE shop.isam ENGINE = InnoDB; INSERT INTO shop.isam VALUES (5, 'e')")
    wait_live(replica, ("goods", "sales", "isam"))
    same(replica, shop, "shop.isam", "id")
    shop.run("ALTER TABLE shop.isam ENGINE = MyISAM; INSERT INTO shop.isam VALUES (6, 'f'); INSERT INTO shop.goods (name) VALUES ('z')")
    same(replica, shop, "shop.goods", "id")
    assert "engine" in wait_aside(replica, "isam")


def test_definitions_of_mariadb(replica, shop):
    if shop.dialect != "mariadb":
        pytest.skip("MariaDB's")
    wait_live(replica)
    shop.run("CREATE TABLE shop.versioned (id INT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING; INSERT INTO shop.versioned VALUES (1, 1), (2, 2);"
             "UPDATE shop.versioned SET v = 5 WHERE id = 1; DELETE FROM shop.versioned WHERE id = 2;"
             "CREATE TABLE shop.hashed (id INT PRIMARY KEY, b BLOB, UNIQUE (b)); INSERT INTO shop.hashed VALUES (1, 'a'), (2, 'b');"
             "UPDATE shop.hashed SET b = 'c' WHERE id = 2; REPLACE INTO shop.hashed VALUES (3, 'a');"
             "CREATE SEQUENCE shop.q; SELECT NEXTVAL(shop.q); INSERT INTO shop.goods (name) VALUES ('after')")
    assert "definition" in wait_aside(replica, "versioned") and "definition" in wait_aside(replica, "hashed")
    shop.run("ALTER TABLE shop.versioned DROP SYSTEM VERSIONING; ALTER TABLE shop.hashed DROP INDEX b; INSERT INTO shop.hashed VALUES (10, 'c')")
    wait_live(replica, ("versioned", "hashed"))
    same(replica, shop, "shop.versioned", "id")
    same(replica, shop, "shop.hashed", "id")
    shop.run("ALTER TABLE shop.sales ADD SYSTEM VERSIONING; UPDATE shop.sales SET n = 1 WHERE shop = 2; DELETE FROM shop.sales WHERE shop = 1")
    assert "definition" in wait_aside(replica, "sales")
    shop.run("INSERT INTO shop.goods (name) VALUES ('later')")
    same(replica, shop, "shop.goods", "id")


def test_old_times_of_mariadb(replica, shop):
    """Without fractions they are followed; with fractions the log does not say how long they are."""
    if shop.dialect != "mariadb":
        pytest.skip("MariaDB's")
    wait_live(replica)
    columns = "id INT PRIMARY KEY, a TIME{0}, b DATETIME{0}, c TIMESTAMP{0} NULL, d DATE"
    shop.run("SET GLOBAL mysql56_temporal_format = OFF")
    try:
        shop.run(f"CREATE TABLE shop.whole ({columns.format('')}); CREATE TABLE shop.fraction ({columns.format('(3)')})")
        for name in ("whole", "fraction"):
            shop.run(f"INSERT INTO shop.{name} VALUES (1, '-11:22:33.125', '2024-02-29 10:11:12.125', '2024-02-29 10:11:12.125', "
                     f"'2024-02-29'), (2, NULL, NULL, NULL, NULL); UPDATE shop.{name} SET a = '838:59:59' WHERE id = 1")
    finally:
        shop.run("SET GLOBAL mysql56_temporal_format = ON")
    assert "mysql56_temporal_format" in wait_aside(replica, "fraction")
    assert same(replica, shop, "shop.whole", "id") == 2
    shop.run("ALTER TABLE shop.fraction FORCE")
    command(replica, "PINTAIL COPY TABLE shop.fraction")
    wait_live(replica, ("fraction",))
    shop.run("UPDATE shop.fraction SET b = '2024-01-01 00:00:00.5'")
    assert same(replica, shop, "shop.fraction", "id") == 2


# ---- What is told meanwhile ----


def test_progress_is_shown(new_server, shop):
    """A table that comes slowly."""
    shop.run("CREATE TABLE shop.digits (d INT); INSERT INTO shop.digits VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9);"
             "CREATE TABLE shop.big (id INT PRIMARY KEY, v VARCHAR(1000));"
             "INSERT INTO shop.big SELECT a.d + 10 * b.d + 100 * c.d + 1000 * d.d, REPEAT('x', 1000) FROM shop.digits a, shop.digits b, "
             "shop.digits c, shop.digits d; ANALYZE TABLE shop.big")
    seen = threading.Event()

    def slow(data, _before):
        if b"x" * 100 in data:
            seen.wait(len(data) / 500_000)
        return data

    with faultproxy.FaultProxy(shop.port) as proxy:
        proxy.down = slow
        server = new_server("--storage", "hybrid", "--mysql-host", "127.0.0.1", "--mysql-port", str(proxy.port), "--mysql-user", "own",
                            "--mysql-password", "opw", "--replica-include", "shop.*", "--storage-mysql-tls-mode", "disabled").start()
        try:
            wait_live(server)

            def big():
                return rows_of(server, "SELECT * FROM pintail.tables WHERE name = 'big'")[0]

            wait_for(lambda: big()["rows_copied"] > 0, lambda: (big(), server.log_text()[-2000:]))
            now = big()
            assert now["state"] == "loading" and 0 < now["rows_copied"] < 10000 and now["eta_s"] > 0, now
            assert now["bytes_copied"] > 1000 * now["rows_copied"] and now["rows_estimated"] > now["rows_copied"], now
            all_tables = rows_of(server, "SELECT * FROM pintail.replica")[0]
            assert all_tables["tables_loading"] == 1 and 0 < all_tables["snapshot_rows_left"] < 10000, all_tables
            assert all_tables["snapshot_eta_s"] is None or all_tables["snapshot_eta_s"] > 0, all_tables
            shown = status(server)
            told = shown.get("Replica_SQL_Running_State", shown.get("Slave_SQL_Running_State"))
            assert "copying 1 tables, 0 are to follow: " in told and " left" in told, shown
            wait_for(lambda: "table shop.big: " in server.log_text(), server.log_text)
            line = next(line for line in server.log_text().splitlines() if "table shop.big: " in line)
            assert " rows copied, " in line and " s left" in line, line
        finally:
            seen.set()
        wait_live(server, ("goods", "sales", "big"))
        server.kill()


def test_batches_are_shown(replica, shop):
    wait_live(replica)
    shop.run("INSERT INTO shop.goods (name) VALUES ('a'), ('b'); UPDATE shop.goods SET name = 'c' WHERE id = 1; DELETE FROM shop.goods WHERE id = 2")
    same(replica, shop, "shop.goods", "id")
    shop.run("CREATE TABLE shop.late (i INT PRIMARY KEY)")
    wait_live(replica, ("late",))
    rows = rows_of(replica, "SELECT * FROM pintail.batches")
    changing = [r for r in rows if r["bytes"] > 0]
    assert sum(r["transactions"] for r in changing) == 3, rows
    for r in changing:
        assert r["ended_by"] in ("idle", "age", "request") and r["tables"] == 1 and r["last_gtid"] and r["begun_at"] <= r["committed_at"], r
        assert r["decode_us"] > 0 and r["apply_us"] > 0 and r["commit_us"] > 0, r
    assert any(r["ended_by"] == "ddl" and r["transactions"] == 1 for r in rows), rows
    assert all(r["merge_us"] <= r["apply_us"] for r in rows) and any(r["merge_us"] >= 100 for r in rows), rows
    counts = [name for name, _ in replica.query("SHOW GLOBAL STATUS LIKE 'duckdb_rows_%'")]
    assert len({name.lower() for name in counts}) == len(counts), counts


def test_lag_rises_and_falls(new_server, shop):
    """A transaction that has come whole is not applied before the one behind it has, which takes its time."""
    armed, begin, end = threading.Event(), threading.Event(), threading.Event()
    passed = []

    def hold(data, _before):
        if armed.is_set():
            begin.wait(60)
            if sum(passed) > 1_000_000:
                end.wait(60)
            passed.append(len(data))
        return data

    shop.run("CREATE TABLE shop.many (id INT PRIMARY KEY AUTO_INCREMENT, name CHAR(60))")
    with faultproxy.FaultProxy(shop.port) as proxy:
        proxy.down = hold
        # Heartbeats are held too; without them the connection would be made anew, on which nothing is late.
        server = make_replica(new_server, proxy, "--replica-heartbeat", "60s").start()
        wait_live(server, ("goods", "sales", "many"))
        with column(server) as connection, connection.cursor(pymysql.cursors.DictCursor) as cursor:
            def lag():
                cursor.execute("SELECT lag_ms, lag_transactions FROM pintail.replica")
                row = cursor.fetchone()
                cursor.execute("SHOW REPLICA STATUS FOR CHANNEL 'pintail'")
                shown = cursor.fetchone()
                return shown.get("Seconds_Behind_Source", shown.get("Seconds_Behind_Master")), row["lag_ms"], row["lag_transactions"]

            wait_for(lambda: lag() == (0, 0, 0), lag)
            armed.set()
            shop.run("INSERT INTO shop.goods (name) VALUES ('late');"
                     "INSERT INTO shop.many (name) WITH RECURSIVE n AS (SELECT 1 i UNION ALL SELECT i + 1 FROM n WHERE i < 900) "
                     "SELECT REPEAT('x', 60) FROM n a JOIN n b WHERE b.i <= 100")
            begin.set()
            wait_for(lambda: lag()[0] >= 2, lag)
            seconds, milliseconds, transactions = lag()
            assert seconds >= 2 and 2000 <= milliseconds < 60000 and transactions == 1
            end.set()
            wait_for(lambda: lag() == (0, 0, 0), lag)
        same(server, shop, "shop.many", "id")


# ---- Another place, another server ----


def test_the_directory_is_moved(new_server, shop, work):
    first = make_replica(new_server, shop).start()
    wait_live(first)
    before = copied_at(first)
    assert first.stop() == 0
    first.data.rename(work / "elsewhere")
    shop.run("INSERT INTO shop.goods (name) VALUES ('between')")
    second = make_replica(new_server, shop, data=work / "elsewhere").start()
    assert same(second, shop, "shop.goods", "id") == 3
    assert copied_at(second) == before and "rows copied" not in second.log_text()


def test_another_server_with_the_same_gtids(new_server, shop, work):
    """A replica of the source takes its place: the copy goes on there."""
    is_mysql = shop.dialect == "mysql"
    second = Upstream(shop.dialect, work / "second", "--binlog", "--server-id=2",
                      "--log-replica-updates" if is_mysql else "--log-slave-updates").start()
    try:
        # A log of its own: what other tests have kept out of it no replica could follow.
        shop.run(f"DROP DATABASE shop; {'RESET BINARY LOGS AND GTIDS' if is_mysql else 'RESET MASTER'}; CREATE DATABASE shop;"
                 "CREATE TABLE shop.goods (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(60)); CREATE TABLE shop.sales (i INT PRIMARY KEY);"
                 "INSERT INTO shop.goods (name) VALUES ('x'), ('y');"
                 "CREATE USER IF NOT EXISTS repl IDENTIFIED BY 'rpw'; GRANT REPLICATION SLAVE ON *.* TO repl")
        second.run("SET SESSION sql_log_bin = 0; CREATE USER own IDENTIFIED BY 'opw'; GRANT ALL ON *.* TO own")
        if is_mysql:
            second.run(f"RESET BINARY LOGS AND GTIDS; CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = {shop.port}, "
                       "SOURCE_USER = 'repl', SOURCE_PASSWORD = 'rpw', SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1; START REPLICA")
        else:
            second.run(f"RESET MASTER; SET GLOBAL gtid_slave_pos = ''; CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = {shop.port}, "
                       "MASTER_USER = 'repl', MASTER_PASSWORD = 'rpw', MASTER_USE_GTID = slave_pos; START SLAVE")
        first = make_replica(new_server, shop).start()
        wait_live(first)
        shop.run("INSERT INTO shop.goods (name) VALUES ('a'), ('b'); UPDATE shop.goods SET name = 'c' WHERE id = 1")
        same(first, shop, "shop.goods", "id")
        before = copied_at(first)
        assert first.stop() == 0
        position = "@@GLOBAL.gtid_executed" if is_mysql else "@@GLOBAL.gtid_binlog_pos"
        wanted = shop.query(f"SELECT {position}")
        wait_for(lambda: second.query(f"SELECT {position}") == wanted, lambda: second.query("SHOW REPLICA STATUS"))
        second.run("STOP REPLICA; INSERT INTO shop.goods (name) VALUES ('promoted')")
        other = make_replica(new_server, second, data=first.data).start()
        assert same(other, second, "shop.goods", "id") == 5
        assert copied_at(other) == before
    finally:
        second.stop()


def test_a_position_is_given(new_server, shop):
    """From then on it is followed by file, which reads of the copy wait for, too."""
    file, position = shop.query("SHOW BINARY LOG STATUS" if shop.dialect == "mysql" else "SHOW MASTER STATUS")[0][:2]
    shop.run("INSERT INTO shop.goods (name) VALUES ('late')")
    server = make_replica(new_server, shop, "--replica-autostart", "off").start()
    command(server, f"CHANGE REPLICATION SOURCE TO SOURCE_LOG_FILE = '{file}', SOURCE_LOG_POS = {position}", "START REPLICA")
    wait_live(server)
    assert f"{file}:{position}" in server.log_text()
    assert same(server, shop, "shop.goods", "id") == 3
    with column(server) as connection:
        run(connection, "INSERT INTO shop.goods (name) VALUES ('mine')")
        assert run(connection, "SELECT COUNT(*) FROM shop.goods") == ((4,),)


def test_without_gtids(new_server, work):
    """By file and offset; of one server only."""
    bare = Upstream("mysql", work / "bare", "--log-bin=binlog", "--server-id=1", "--gtid-mode=OFF").start()
    try:
        bare.run("CREATE USER own IDENTIFIED BY 'opw'; GRANT ALL ON *.* TO own; CREATE DATABASE shop;"
                 "CREATE TABLE shop.goods (id INT PRIMARY KEY, name VARCHAR(60)); CREATE TABLE shop.heap (a INT, b TEXT);"
                 "INSERT INTO shop.goods VALUES (1, 'x'); INSERT INTO shop.heap VALUES (1, 'same'), (1, 'same')")
        server = make_replica(new_server, bare).start()
        wait_live(server, ("goods", "heap"))
        with column(server) as connection:
            run(connection, "INSERT INTO shop.goods VALUES (2, 'mine')")
            assert run(connection, "SELECT COUNT(*) FROM shop.goods") == ((2,),)
        bare.run("FLUSH BINARY LOGS; UPDATE shop.goods SET name = 'y'; DELETE FROM shop.heap LIMIT 1")
        assert same(server, bare, "shop.goods", "id") == 2
        server.kill()
        bare.run("INSERT INTO shop.goods VALUES (3, 'away'); FLUSH BINARY LOGS; INSERT INTO shop.heap VALUES (2, NULL)")
        server.start()
        assert same(server, bare, "shop.goods", "id") == 3 and same(server, bare, "shop.heap", "a") == 2
        assert server.log_text().count("rows copied") == 2
        port = bare.port
        bare.stop()
        next(bare.work.rglob("auto.cnf")).unlink()
        bare.start(f"--port={port}")
        wait_for(lambda: "it is another server" in status(server)["Last_IO_Error"], lambda: (status(server), server.log_text()[-2000:]))
        wait_for_stop(server)
        command(server, "RESET REPLICA", "START REPLICA")
        wait_live(server, ("goods", "heap"))
        assert same(server, bare, "shop.goods", "id") == 3
    finally:
        bare.stop()


def test_encrypted_only(new_server, shop):
    if shop.dialect != "mysql":
        pytest.skip("this server is started without TLS")
    shop.run("DROP USER IF EXISTS crypt; CREATE USER crypt IDENTIFIED BY 'cpw' REQUIRE SSL; GRANT ALL ON *.* TO crypt")
    server = make_replica(new_server, shop, "--storage-mysql-tls-mode", "required", user="crypt", password="cpw").start()
    wait_for(lambda: server.log_text().count("rows copied") == 2, server.log_text)
    shop.run("INSERT INTO shop.goods (name) VALUES ('by TLS')")
    with server.connect(user="crypt", password="cpw", ssl={"ca": None}) as connection:
        run(connection, "SET pintail_route = column")
        run(connection, "SET pintail_freshness = strong")
        assert run(connection, "SELECT COUNT(*) FROM shop.goods") == ((3,),)
