"""Distributed transactions in the log of both real servers: what is prepared joins the copy when it is committed, through kills."""

import pytest
from conftest import Upstream, run
from test_replica import column, make_replica, same, wait_for, wait_live

KINDS = ["mysql", "mariadb"]


@pytest.fixture(scope="module", params=KINDS)
def source(request, shared_work):
    server = Upstream(request.param, shared_work / f"xa-{request.param}", "--binlog").start()
    server.run("CREATE USER own IDENTIFIED BY 'opw'; GRANT ALL ON *.* TO own")
    if request.param == "mysql":
        server.run("GRANT XA_RECOVER_ADMIN ON *.* TO own")
    yield server
    server.stop()


@pytest.fixture
def shop(source):
    source.run("DROP DATABASE IF EXISTS shop; CREATE DATABASE shop;"
               "CREATE TABLE shop.goods (id INT PRIMARY KEY, name VARCHAR(60));"
               "CREATE TABLE shop.heap (a INT, b TEXT); INSERT INTO shop.goods VALUES (1, 'nail'), (2, 'säge'), (3, 'x');"
               "INSERT INTO shop.heap VALUES (1, 'same'), (1, 'same'), (2, NULL)")
    yield source
    for data in {row[3] for row in source.query("XA RECOVER")}:
        source.run(f"XA ROLLBACK '{data if isinstance(data, str) else data.decode()}'")
    source.run("DROP DATABASE shop")


def prepare(source, name, *statements, setting=None):
    """Prepares a distributed transaction and leaves it behind. Until its session has ended nobody else can end it."""
    with source.connect() as connection:
        number = connection.thread_id()
        if setting is not None:
            run(connection, setting)
        run(connection, f"XA START '{name}'")
        for sql in statements:
            run(connection, sql)
        run(connection, f"XA END '{name}'")
        run(connection, f"XA PREPARE '{name}'")
    gone = f"SELECT COUNT(*) FROM information_schema.processlist WHERE id = {number}"
    wait_for(lambda: source.query(gone)[0][0] == 0, lambda: "the end of the session that has prepared")


def all_same(server, source):
    same(server, source, "shop.goods", "id")
    same(server, source, "shop.heap", "a, b")


CHANGES = ("UPDATE shop.goods SET name = 'changed' WHERE id = 1", "DELETE FROM shop.goods WHERE id = 2",
           "INSERT INTO shop.goods VALUES (10, 'new')", "INSERT INTO shop.heap VALUES (1, 'same')",
           "DELETE FROM shop.heap WHERE a = 2")


@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
@pytest.mark.parametrize("how", ["kill", "copied meanwhile"])
def test_prepared(new_server, shop, how, end):
    server = make_replica(new_server, shop).start()
    wait_live(server, ("goods", "heap"))
    prepare(shop, "p", *CHANGES)
    shop.run("INSERT INTO shop.goods VALUES (20, 'between')")
    all_same(server, shop)
    if how == "kill":
        server.kill()
        server.start()
        wait_live(server, ("goods", "heap"))
    else:
        with column(server) as connection:
            run(connection, "PINTAIL COPY TABLE shop.goods")
        wait_live(server, ("goods", "heap"))
        all_same(server, shop)
    shop.run(f"XA {end} 'p'; INSERT INTO shop.goods VALUES (21, 'after')")
    all_same(server, shop)
    with column(server) as connection:
        checked = run(connection, "PINTAIL VERIFY TABLE shop.goods, shop.heap")
        assert [row[3] for row in checked if row[2] == "status"] == ["OK", "OK"]
    server.stop()


def test_many_at_a_time(new_server, shop):
    server = make_replica(new_server, shop).start()
    wait_live(server, ("goods", "heap"))
    for i in range(100, 120):
        prepare(shop, f"n{i}", f"INSERT INTO shop.goods VALUES ({i}, 'p')")
    all_same(server, shop)
    for i in range(119, 99, -1):
        shop.run(f"XA {'COMMIT' if i % 3 else 'ROLLBACK'} 'n{i}'")
    with shop.connect() as connection:
        for sql in ("XA START 'one','phase',9", "INSERT INTO shop.goods VALUES (200, 'one')", "XA END 'one','phase',9",
                    "XA COMMIT 'one','phase',9 ONE PHASE"):
            run(connection, sql)
    all_same(server, shop)


def test_large(new_server, shop):
    """The rows are more than are kept in memory."""
    server = make_replica(new_server, shop).start()
    wait_live(server, ("goods", "heap"))
    rows = "INSERT INTO shop.goods WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 41000) " \
           "SELECT i, REPEAT(CHAR(65 + i % 26), 50) FROM n"
    setting = "SET cte_max_recursion_depth = 100000" if shop.dialect == "mysql" else "SET max_recursive_iterations = 100000"
    prepare(shop, "p", rows, setting=setting)
    all_same(server, shop)
    server.kill()
    server.start()
    wait_live(server, ("goods", "heap"))
    shop.run("XA COMMIT 'p'; UPDATE shop.goods SET name = 'x' WHERE id = 1000")
    assert same(server, shop, "shop.goods", "id") > 40000


def test_compressed(new_server, shop):
    if shop.dialect == "mysql":
        setting = "SET binlog_transaction_compression = ON"
    else:
        shop.run("SET GLOBAL log_bin_compress = ON; SET GLOBAL log_bin_compress_min_len = 10")
        setting = None
    try:
        server = make_replica(new_server, shop).start()
        wait_live(server, ("goods", "heap"))
        prepare(shop, "p", "INSERT INTO shop.heap VALUES (7, REPEAT('a', 3000))", *CHANGES, setting=setting)
        all_same(server, shop)
        server.kill()
        server.start()
        wait_live(server, ("goods", "heap"))
        shop.run("XA COMMIT 'p'")
        all_same(server, shop)
    finally:
        if shop.dialect == "mariadb":
            shop.run("SET GLOBAL log_bin_compress = OFF")


def test_reset_forgets(new_server, shop):
    server = make_replica(new_server, shop).start()
    wait_live(server, ("goods", "heap"))
    prepare(shop, "p", *CHANGES)
    all_same(server, shop)
    shop.run("XA ROLLBACK 'p'")
    all_same(server, shop)
    prepare(shop, "p", *CHANGES)
    all_same(server, shop)
    with server.connect(user="own", password="opw") as connection:
        run(connection, "STOP REPLICA FOR CHANNEL 'pintail'")
        run(connection, "RESET REPLICA FOR CHANNEL 'pintail'")
        shop.run("XA COMMIT 'p'")
        run(connection, "START REPLICA FOR CHANNEL 'pintail'")
    wait_live(server, ("goods", "heap"))
    all_same(server, shop)
    prepare(shop, "p", "DELETE FROM shop.goods WHERE id = 3")
    shop.run("XA COMMIT 'p'")
    all_same(server, shop)
