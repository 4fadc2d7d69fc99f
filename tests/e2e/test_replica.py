"""The copy of a real server's tables: what is shown of it, how it is commanded, what stays through stops and kills."""

import time

import pymysql
import pytest
from conftest import Upstream, error_of, run

KINDS = ["mysql", "mariadb"]
WAIT_SECONDS = 90


@pytest.fixture(scope="module", params=KINDS)
def source(request, shared_work):
    server = Upstream(request.param, shared_work / f"control-{request.module.__name__}-{request.param}", "--binlog").start()
    server.run("CREATE USER own IDENTIFIED BY 'opw'; GRANT ALL ON *.* TO own; CREATE USER guest IDENTIFIED BY 'gpw';"
               "GRANT SELECT ON *.* TO guest")
    yield server
    server.stop()


@pytest.fixture
def shop(source):
    """Two tables with rows, nothing else; all that is done to them is undone."""
    source.run("DROP DATABASE IF EXISTS shop; CREATE DATABASE shop;"
               "CREATE TABLE shop.goods (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(60), price DECIMAL(10,2), at DATETIME(3));"
               "CREATE TABLE shop.sales (day DATE, shop INT, n BIGINT UNSIGNED, PRIMARY KEY (day, shop));"
               "INSERT INTO shop.goods (name, price, at) VALUES ('nail', 0.05, '2024-02-29 10:00:00.125'), ('säge', 12.50, NULL);"
               "INSERT INTO shop.sales VALUES ('2024-01-01', 1, 18446744073709551615), ('2024-01-01', 2, 0)")
    yield source
    source.run("DROP DATABASE shop")


def make_replica(new_server, source, *options, data=None, user="own", password="opw"):
    return new_server("--storage", "hybrid", "--mysql-host", "127.0.0.1", "--mysql-port", str(source.port), "--mysql-user",
                      user, "--mysql-password", password, "--replica-retry", "100ms", "--replica-include", "shop.*",
                      *options, data=data)


@pytest.fixture
def replica(new_server, shop):
    """A Pintail that copies the shop, started."""
    return make_replica(new_server, shop).start()


def column(server, **options):
    """A session whose reads go to the copy."""
    connection = server.connect(**{"user": "own", "password": "opw", **options})
    run(connection, "SET pintail_route = column")
    return connection


def tables(server):
    """State and reason by name."""
    with column(server) as connection:
        return {name: (state, reason) for name, state, reason in
                run(connection, "SELECT name, state, reason FROM pintail.tables WHERE `database` = 'shop'")}


def wait_for(condition, what):
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"what was waited for did not happen: {what()}"
        time.sleep(0.05)


def wait_live(server, names=("goods", "sales")):
    wait_for(lambda: all(tables(server).get(n, ("",))[0] == "live" for n in names),
             lambda: (tables(server), server.log_text()[-3000:]))


def same(server, source, table, order):
    """The copy, as of now, has what the source has."""
    sql = f"SELECT * FROM {table} ORDER BY {order}"
    with column(server) as connection:
        run(connection, "SET pintail_freshness = strong")
        mine = run(connection, sql)
    assert mine == source.query(sql)
    return len(mine)


def status(server, sql="SHOW REPLICA STATUS FOR CHANNEL 'pintail'"):
    with server.connect(user="own", password="opw") as connection, connection.cursor(pymysql.cursors.DictCursor) as cursor:
        cursor.execute(sql)
        return cursor.fetchone()


def states(server):
    s = status(server)
    return (s.get("Replica_IO_Running", s.get("Slave_IO_Running")), s.get("Replica_SQL_Running", s.get("Slave_SQL_Running")))


def test_tables_are_copied_and_follow(replica, shop):
    wait_live(replica)
    assert same(replica, shop, "shop.goods", "id") == 2
    same(replica, shop, "shop.sales", "day, shop")
    shop.run("INSERT INTO shop.goods (name) VALUES ('a'), ('b'); UPDATE shop.goods SET price = 1 WHERE id = 1;"
             "DELETE FROM shop.sales WHERE shop = 2; CREATE TABLE shop.late (k VARCHAR(9) PRIMARY KEY);"
             "INSERT INTO shop.late VALUES ('x')")
    assert same(replica, shop, "shop.goods", "id") == 4
    assert same(replica, shop, "shop.sales", "day, shop") == 1
    assert same(replica, shop, "shop.late", "k") == 1
    with column(replica) as connection:
        inserted, updated = run(connection, "SELECT rows_inserted, rows_updated FROM pintail.tables WHERE name = 'goods'")[0]
        assert (inserted, updated) == (2, 1)
        transactions = run(connection, "SELECT SUM(transactions) FROM pintail.batches WHERE committed_at IS NOT NULL")[0][0]
        assert transactions >= 4
        applied, live, lag = run(connection, "SELECT transactions, tables_live, lag_transactions FROM pintail.replica")[0]
        assert applied == transactions and live == 3 and lag == 0
        verified = run(connection, "PINTAIL VERIFY TABLE shop.goods, shop.sales")
        assert [row[3] for row in verified if row[2] == "status"] == ["OK", "OK"]


def test_a_log_may_tell_little_of_its_columns(replica, shop):
    """Labels, names, and with MariaDB signs and character sets are those of the definition."""
    labels = ", ".join(f"'label {i}'" for i in range(300))
    shop.run("CREATE TABLE shop.kinds (id BIGINT UNSIGNED PRIMARY KEY, few ENUM('a', 'b', ''), many ENUM(" + labels + "),"
             "flags SET('x', 'y', 'z'), tiny TINYINT UNSIGNED, word CHAR(200), old VARCHAR(30) CHARACTER SET latin1,"
             "bits BIT(9), year YEAR)")
    wait_live(replica, ("goods", "sales", "kinds"))
    shop.run(f"SET GLOBAL binlog_row_metadata = {'NO_LOG' if shop.dialect == 'mariadb' else 'MINIMAL'}")
    try:
        shop.run("INSERT INTO shop.kinds VALUES (18446744073709551615, '', 'label 299', 'x,z', 255, 'ä', 'ö', 511, 2024),"
                 "(1, 'a', 'label 0', '', 1, '', '', 0, 1901), (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);"
                 "UPDATE shop.kinds SET few = 'b' WHERE id = 1")
        assert same(replica, shop, "shop.kinds", "id") == 3
    finally:
        shop.run("SET GLOBAL binlog_row_metadata = FULL")


def test_what_is_written_is_read_in_the_same_session(replica, shop):
    wait_live(replica)
    with column(replica) as connection:
        for i in range(5):
            run(connection, f"INSERT INTO shop.goods (name) VALUES ('mine {i}')")
            assert run(connection, "SELECT COUNT(*) FROM shop.goods")[0][0] == 3 + i


def test_status_has_the_columns_of_the_real_server(replica, shop):
    keyword = "SLAVE" if shop.dialect == "mariadb" else "REPLICA"
    with replica.connect(user="own", password="opw") as connection, connection.cursor() as cursor:
        # The upstream's own answer, which has no rows, and ours.
        cursor.execute(f"SHOW {keyword} STATUS")
        theirs, rows = [(c[0], c[1]) for c in cursor.description], cursor.fetchall()
        assert len(rows) == 0
        cursor.execute(f"SHOW {keyword} STATUS FOR CHANNEL 'pintail'")
        ours, rows = [(c[0], c[1]) for c in cursor.description], cursor.fetchall()
        assert ours == theirs and len(rows) == 1
    s = status(replica)
    assert s.get("Source_Port", s.get("Master_Port")) == shop.port
    assert s.get("Source_User", s.get("Master_User")) == "own"


def test_stop_and_start(replica, shop):
    wait_live(replica)
    with replica.connect(user="own", password="opw") as connection:
        run(connection, "STOP REPLICA FOR CHANNEL 'pintail'")
        assert states(replica) == ("No", "No")
        run(connection, "STOP REPLICA FOR CHANNEL 'pintail'")
        assert [w[1] for w in run(connection, "SHOW WARNINGS")] == [3084]
        shop.run("INSERT INTO shop.goods (name) VALUES ('while it was stopped')")
        assert error_of(connection, "PINTAIL VERIFY TABLE shop.goods") is None
    with column(replica) as connection:
        run(connection, "SET pintail_freshness = eventual")
        assert run(connection, "SELECT COUNT(*) FROM shop.goods") == ((2,),)
        run(connection, "START REPLICA")
        run(connection, "START REPLICA")
        assert [w[1] for w in run(connection, "SHOW WARNINGS")] == [3083]
        assert error_of(connection, "RESET REPLICA") == 1198
    wait_for(lambda: states(replica) == ("Yes", "Yes"), lambda: status(replica))
    assert same(replica, shop, "shop.goods", "id") == 3


def test_only_the_operator_commands(replica, shop):
    with replica.connect(user="guest", password="gpw") as connection:
        for sql in ("STOP REPLICA FOR CHANNEL 'pintail'", "SHOW REPLICA STATUS FOR CHANNEL 'pintail'",
                    "RESET REPLICA ALL FOR CHANNEL 'pintail'", "PINTAIL COPY TABLE shop.goods", "PINTAIL DROP TABLE shop.goods",
                    "SELECT * FROM pintail.tables", "SET GLOBAL duckdb_multi_trx_timeout = 1"):
            assert error_of(connection, sql) in (1227, 1142, 1044), sql
    with replica.connect(user="own", password="opw") as connection:
        assert error_of(connection, "SHOW REPLICA STATUS FOR CHANNEL 'other'") is not None or shop.dialect == "mariadb"
        assert error_of(connection, "START REPLICA UNTIL SOURCE_LOG_POS = 4 FOR CHANNEL 'pintail'") == 1235
        assert error_of(connection, "STOP REPLICA SQL_THREAD FOR CHANNEL 'pintail'") == 1235


def test_a_table_is_dropped_from_the_copy_and_copied_again(replica, shop):
    wait_live(replica)
    with column(replica) as connection:
        run(connection, "PINTAIL DROP TABLE shop.goods")
        assert tables(replica)["goods"][0] == "aside"
        assert error_of(connection, "SELECT * FROM shop.goods") == 1146
        shop.run("INSERT INTO shop.goods (name) VALUES ('meanwhile')")
        run(connection, "PINTAIL COPY TABLE shop.goods")
        assert error_of(connection, "PINTAIL COPY TABLE mysql.user") == 1210
        assert error_of(connection, "PINTAIL DROP TABLE shop.none") == 1146
    wait_live(replica)
    assert same(replica, shop, "shop.goods", "id") == 3


def copied_at(server):
    with column(server) as connection:
        return run(connection, "SELECT name, copied_at, rows_copied FROM pintail.tables WHERE `database` = 'shop' ORDER BY name")


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_restart_goes_on_without_copying_again(new_server, shop, how):
    first = make_replica(new_server, shop).start()
    wait_live(first)
    shop.run("INSERT INTO shop.goods (name) VALUES ('before')")
    same(first, shop, "shop.goods", "id")
    before = copied_at(first)
    if how == "stop":
        assert first.stop() == 0
    else:
        first.kill()
    shop.run("INSERT INTO shop.goods (name) VALUES ('between'); UPDATE shop.sales SET n = 7 WHERE shop = 1;"
             "CREATE TABLE shop.born (i INT PRIMARY KEY); INSERT INTO shop.born VALUES (1)")
    second = make_replica(new_server, shop, data=first.data).start()
    assert same(second, shop, "shop.goods", "id") == 4
    same(second, shop, "shop.sales", "day, shop")
    same(second, shop, "shop.born", "i")
    assert [row for row in copied_at(second) if row[0] != "born"] == list(before)
    assert "rows copied" not in second.log_text()
    assert second.stop() == 0


def test_reset_copies_anew(replica, shop):
    wait_live(replica)
    with column(replica) as connection:
        run(connection, "STOP REPLICA")
        run(connection, "RESET REPLICA ALL")
        assert tables(replica) == {}
        shop.run("SET SQL_LOG_BIN = 0; INSERT INTO shop.goods (name) VALUES ('not in the log')")
        run(connection, "START REPLICA")
    wait_live(replica)
    assert same(replica, shop, "shop.goods", "id") == 3


def test_change_source_takes_what_agrees(new_server, shop):
    server = make_replica(new_server, shop, "--replica-autostart", "off").start()
    with column(server) as connection:
        assert tables(server) == {} and states(server) == ("No", "No")
        for sql in ("SOURCE_HOST = 'elsewhere'", "SOURCE_PORT = 1", "SOURCE_USER = 'x'", "SOURCE_DELAY = 3600",
                    "SOURCE_LOG_POS = 4", "SOURCE_LOG_FILE = 'binlog.000001'"):
            assert error_of(connection, f"CHANGE REPLICATION SOURCE TO {sql}") == 1210, sql
        run(connection, f"CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = {shop.port}, SOURCE_USER = 'own',"
                        " SOURCE_PASSWORD = 'opw', SOURCE_AUTO_POSITION = 1")
        run(connection, f"CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = {shop.port}")
        run(connection, "START REPLICA")
        wait_live(server)
        assert error_of(connection, "CHANGE MASTER TO MASTER_LOG_FILE = 'binlog.000001', MASTER_LOG_POS = 4") == 1198
        run(connection, "STOP REPLICA")
        # The tables are right at their position, and at no other.
        assert error_of(connection, "CHANGE MASTER TO MASTER_LOG_FILE = 'binlog.000001', MASTER_LOG_POS = 4") == 1210


def test_errors_are_shown(new_server, shop):
    server = make_replica(new_server, shop, user="guest", password="gpw").start()

    def shown():
        with server.connect(user="guest", password="gpw") as connection:
            with connection.cursor(pymysql.cursors.DictCursor) as cursor:
                cursor.execute("SHOW REPLICA STATUS FOR CHANNEL 'pintail'")
                return cursor.fetchone()

    wait_for(lambda: shown()["Last_IO_Errno"] != 0, shown)
    assert "REPLICATION" in shown()["Last_IO_Error"].upper()
    assert "cannot be followed" in server.log_text()


def test_batches_are_set_by_variables(replica, shop):
    wait_live(replica)
    with replica.connect(user="own", password="opw") as connection:
        assert run(connection, "SHOW GLOBAL VARIABLES LIKE 'duckdb_multi_trx_timeout'") == (("duckdb_multi_trx_timeout", "200"),)
        run(connection, "SET GLOBAL duckdb_multi_trx_in_batch = OFF")
        shop.run("".join(f"INSERT INTO shop.goods (name) VALUES ('{i}');" for i in range(5)))
        same(replica, shop, "shop.goods", "id")
    with column(replica) as connection:
        assert run(connection, "SELECT MAX(transactions) FROM pintail.batches") == ((1,),)


def test_rows_are_counted(replica, shop):
    wait_live(replica)
    shop.run("INSERT INTO shop.goods (name) VALUES ('a'), ('b'), ('c'); DELETE FROM shop.goods WHERE name = 'b'")
    same(replica, shop, "shop.goods", "id")
    counts = dict(replica.query("SHOW GLOBAL STATUS LIKE 'Duckdb_rows_%_in_batch'", user="own", password="opw"))
    # A row that comes and goes within one batch is none.
    assert int(counts["Duckdb_rows_insert_in_batch"]) - int(counts["Duckdb_rows_delete_in_batch"]) == 2
    metrics = dict(replica.query("SHOW PINTAIL STATUS LIKE 'replica%'", user="own", password="opw"))
    assert metrics["replica_running"] == "1" and metrics['replica_tables{state="live"}'] == "2"


def test_hybrid_wants_an_account(new_server, shop):
    server = new_server("--storage", "hybrid", "--mysql-port", str(shop.port)).start(wait=False)
    assert server.process.wait(60) != 0
    assert "needs storage.mysql.user" in server.log_text()
