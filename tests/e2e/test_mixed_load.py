"""Everything at once: money moves between accounts in transactions, with errors, savepoints and KILLs in them, while others
read, load, define tables and come and go. No reader ever sees money appear or vanish. Under ThreadSanitizer too
(`scripts/test tsan`)."""

import random
import threading
import time

import pymysql
import pytest
from conftest import run

ACCOUNTS = 40
TOTAL = ACCOUNTS * 1000
SECONDS = 12
# What a statement may be answered when others are busy or it is killed: the transaction has ended with 1213 only.
EXPECTED = (1205, 1317)
LOST = (1213,)


class Load:
    def __init__(self, server, session):
        self.server, self.session = server, session
        self.stop = threading.Event()
        self.failures = []
        self.transfers = 0
        self.victims = []

    def thread(self, work, *args):
        def guarded():
            try:
                while not self.stop.is_set():
                    work(*args)
            except Exception as e:  # pylint: disable=broad-except
                self.failures.append(repr(e))
                self.stop.set()
        t = threading.Thread(target=guarded)
        t.start()
        return t


def attempt(connection, sql):
    """Runs a statement that may be killed, or be in each other's way; False if the transaction is gone."""
    try:
        run(connection, sql)
        return True
    except pymysql.MySQLError as e:
        if e.args[0] in LOST:
            return False
        assert e.args[0] in EXPECTED, e
        return None


def fail(connection, sql):
    """Runs a statement that cannot succeed; False if the transaction is gone."""
    with pytest.raises(pymysql.MySQLError) as error:
        run(connection, sql)
    return error.value.args[0] not in LOST


def transfer(load, connection, dice):
    """Takes from one account and gives to another; what fails in between is undone alone."""
    a, b = dice.sample(range(ACCOUNTS), 2)
    amount = dice.randrange(100)
    if not attempt(connection, "BEGIN"):
        return
    taken = attempt(connection, f"UPDATE account SET money = money - {amount} WHERE id = {a}")
    if taken:  # a duplicate, found after the row it would replace was deleted
        taken = fail(connection, f"UPDATE account SET id = {b} WHERE id = {a}")
    if taken and dice.random() < 0.3:
        taken = fail(connection, "SELECT 9223372036854775807 + money FROM account")
    if taken and dice.random() < 0.3 and attempt(connection, "SAVEPOINT s"):
        gone = attempt(connection, "DELETE FROM account WHERE id % 2 = 0") is False
        taken = not gone and attempt(connection, "ROLLBACK TO s")
    given = taken and attempt(connection, f"UPDATE account SET money = money + {amount} WHERE id = {b}")
    try:
        run(connection, "COMMIT" if given else "ROLLBACK")
        load.transfers += 1 if given else 0
    except pymysql.MySQLError as e:
        assert e.args[0] in EXPECTED + LOST, e


def read(connection):
    for sql in ("SELECT COUNT(*), SUM(money) FROM account",
                "SELECT COUNT(*), SUM(a.money) FROM account a JOIN account b ON a.id = b.id",
                f"SELECT COUNT(*), SUM(money) FROM account WHERE id BETWEEN 0 AND {ACCOUNTS}"):
        try:
            assert run(connection, sql) == ((ACCOUNTS, TOTAL),), sql
        except pymysql.MySQLError as e:
            assert e.args[0] in EXPECTED, e


def define(connection):
    run(connection, "CREATE TABLE coming (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(20))")
    run(connection, "INSERT INTO coming (v) VALUES ('a'), ('b')")
    run(connection, "ALTER TABLE coming ADD COLUMN n INT DEFAULT 5")
    assert run(connection, "SELECT * FROM coming ORDER BY id") == ((1, "a", 5), (2, "b", 5))
    run(connection, "DROP TABLE coming")


def come_and_go(load):
    connection = load.server.connect()
    run(connection, "SHOW PROCESSLIST")
    run(connection, "SHOW GLOBAL STATUS LIKE 'Com_select'")
    connection.close()


def wander(connection, db):
    """Changes what others see of this session: its database, its roles."""
    for sql in ("USE information_schema", "SET ROLE ALL", "SHOW PROCESSLIST", f"USE `{db}`", "SET ROLE NONE",
                "SET NAMES DEFAULT"):
        attempt(connection, sql)


def govern(connection, db):
    """Sets what every session reads, to what it is, and changes what another may do."""
    for name in ("max_connections", "connect_timeout", "max_user_connections", "read_only", "local_infile", "sql_mode",
                 "character_set_client", "collation_server", "duckdb_checkpoint_threshold"):
        run(connection, f"SET GLOBAL {name} = @@GLOBAL.{name}")
    attempt(connection, f"GRANT INSERT ON `{db}`.* TO plain")
    attempt(connection, f"REVOKE INSERT ON `{db}`.* FROM plain")
    time.sleep(0.05)


def kill(load, connection, dice, victims):
    try:
        run(connection, f"KILL QUERY {dice.choice(victims)}")
    except pymysql.MySQLError as e:
        assert e.args[0] == 1094, e
    time.sleep(0.05)


def test_money_neither_appears_nor_vanishes(server, db, session):
    load = Load(server, session)
    main = session()
    run(main, "CREATE TABLE account (id INT PRIMARY KEY, money BIGINT NOT NULL)")
    run(main, "INSERT INTO account VALUES " + ", ".join(f"({i}, 1000)" for i in range(ACCOUNTS)))
    threads = []
    for i in range(3):
        connection = session()
        load.victims.append(connection.thread_id())
        threads.append(load.thread(transfer, load, connection, random.Random(i)))
    for _ in range(2):
        connection = session()
        load.victims.append(connection.thread_id())
        threads.append(load.thread(read, connection))
    threads += [load.thread(define, session()), load.thread(come_and_go, load),
                load.thread(kill, load, session(), random.Random(99), load.victims)]
    # One who may do little, and end only what is their own.
    run(main, "CREATE ROLE reader")
    run(main, "CREATE USER plain IDENTIFIED BY 'secret'")
    run(main, f"GRANT SELECT ON `{db}`.* TO plain")
    run(main, "GRANT reader TO plain")
    wanderer = session(user="plain", password="secret")
    killer = session(user="plain", password="secret")
    threads += [load.thread(govern, session(), db), load.thread(wander, wanderer, db),
                load.thread(kill, load, killer, random.Random(7), [wanderer.thread_id()])]
    load.stop.wait(SECONDS)
    load.stop.set()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()
    assert load.failures == []
    assert load.transfers > 0
    assert run(main, "SELECT COUNT(*), SUM(money) FROM account") == ((ACCOUNTS, TOTAL),)
