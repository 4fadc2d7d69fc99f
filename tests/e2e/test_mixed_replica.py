"""Everything at once with a copy: its source is written to, directly and through the relay, while the copy is read, shown,
stopped, started and made anew, sessions come and go through the pool, and the configuration is read again. What the copy
shows is whole transactions at any moment. Under ThreadSanitizer too (`scripts/test tsan`)."""

import random
import signal
import threading
import time

import pymysql
import pytest
from conftest import Upstream, run
from test_admin import Http, free_port
from test_replica import column, make_replica, same, tables, wait_for

ACCOUNTS = 40
TOTAL = ACCOUNTS * 1000
SECONDS = 3
COMMANDS = ("STOP REPLICA FOR CHANNEL 'pintail'", "START REPLICA FOR CHANNEL 'pintail'", "PINTAIL COPY TABLE shop.account",
            "SET GLOBAL duckdb_multi_trx_timeout = 50")


@pytest.fixture
def source(shared_work):
    server = Upstream("mariadb", shared_work / "mixed-mariadb", "--binlog").start()
    server.run("CREATE USER own IDENTIFIED BY 'opw'; GRANT ALL ON *.* TO own; CREATE DATABASE shop;"
               "CREATE TABLE shop.account (id INT PRIMARY KEY, money BIGINT NOT NULL); CREATE TABLE shop.log (a INT, b INT)")
    server.run("INSERT INTO shop.account VALUES " + ", ".join(f"({i}, 1000)" for i in range(ACCOUNTS)))
    yield server
    server.stop()


def attempt(connection, sql):
    """The rows of what the copy may refuse at the moment; the connection stays."""
    try:
        return run(connection, sql)
    except pymysql.MySQLError as e:
        assert e.args[0] < 2000, e
        return None


def transfer(server, dice):
    a, b = sorted(dice.sample(range(ACCOUNTS), 2))
    with server.connect(user="own", password="opw", database="shop", autocommit=False) as connection:
        run(connection, f"UPDATE account SET money = money - 5 WHERE id = {a}")
        run(connection, f"UPDATE account SET money = money + 5 WHERE id = {b}")
        run(connection, f"INSERT INTO log VALUES ({a}, {b})")
        run(connection, "COMMIT")


def read(connection, freshness):
    run(connection, f"SET pintail_freshness = {freshness}")
    assert attempt(connection, "SELECT COUNT(*), SUM(money) FROM shop.account") in (None, ((ACCOUNTS, TOTAL),))


def show(server, http):
    with server.connect(user="own", password="opw") as connection:
        for sql in ("SHOW REPLICA STATUS FOR CHANNEL 'pintail'", "SHOW PINTAIL STATUS", "SHOW PINTAIL SESSIONS"):
            attempt(connection, sql)
        run(connection, "SET pintail_route = column")
        for sql in ("SELECT * FROM pintail.tables", "SELECT * FROM pintail.batches", "SELECT * FROM pintail.replica"):
            attempt(connection, sql)
    http.metrics()


def command(connection, dice):
    attempt(connection, dice.choice(COMMANDS))
    time.sleep(0.1)


def define(connection):
    for sql in ("CREATE TABLE shop.coming (id INT PRIMARY KEY)", "INSERT INTO shop.coming VALUES (1)",
                "ALTER TABLE shop.coming ADD COLUMN n INT", "DROP TABLE shop.coming"):
        run(connection, sql)


def reload(server):
    server.signal(signal.SIGHUP)
    time.sleep(0.1)


def run_together(works):
    """Each piece of work, (function, argument...), over and over in a thread of its own; what failed."""
    stop = threading.Event()
    failures = []

    def repeat(work, *args):
        try:
            while not stop.is_set():
                work(*args)
        except Exception as e:  # pylint: disable=broad-except
            failures.append((work.__name__, repr(e)))
            stop.set()

    threads = [threading.Thread(target=repeat, args=work) for work in works]
    for thread in threads:
        thread.start()
    stop.wait(SECONDS)
    stop.set()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()
    return failures


def test_the_copy_shows_whole_transactions(new_server, source):
    port = free_port()
    server = make_replica(new_server, source, "--admin-port", str(port), "--pool-mode", "transaction").start()
    readers = [column(server), column(server)]
    assert run_together([
        (transfer, server, random.Random(1)), (transfer, source, random.Random(2)), (define, source.connect()),
        (read, readers[0], "strong"), (read, readers[1], "eventual"), (show, server, Http(port)), (reload, server),
        (command, column(server), random.Random(3))]) == []
    with column(server) as connection:
        run(connection, "START REPLICA FOR CHANNEL 'pintail'")
    wait_for(lambda: {"account", "log"} <= {name for name, (state, _) in tables(server).items() if state == "live"},
             lambda: (tables(server), server.log_text()[-3000:]))
    same(server, source, "shop.account", "id")
    same(server, source, "shop.log", "a, b")
    assert server.stop() == 0
