"""KILL, time limits, and clients that go away: the one concerned has its error, the others go on."""

import threading
import time

import pymysql
import pytest
from conftest import error_of, run

# Runs for minutes if nobody ends it: 10 billion pairs that no index helps with.
LONG = "SELECT COUNT(*) FROM shared.large a JOIN shared.large b ON a.id + b.id > b.id * 3 + a.id % 7 AND a.name <> b.name"
# A client has its error within a tenth of a second; the test's machine may be busy.
SOON = 3.0


class Background:
    """A statement on a thread of its own."""

    def __init__(self, connection, sql):
        self.connection, self.sql = connection, sql
        self.error = self.rows = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            self.rows = run(self.connection, self.sql)
        except Exception as e:  # looked at by the test
            self.error = e
        self.ended = time.monotonic()

    def join(self, seconds=20):
        self.thread.join(seconds)
        assert not self.thread.is_alive(), f"still running: {self.sql}"
        return self

    def code(self):
        return self.error.args[0] if self.error is not None else None


def wait_until_running(server, connection_id):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for row in server.query("SHOW PROCESSLIST"):
            if row[0] == connection_id and row[7] and "shared" in row[7]:
                time.sleep(0.2)
                return
        time.sleep(0.02)
    raise AssertionError("the statement does not appear in SHOW PROCESSLIST")


def longest_answer(server, stop):
    """The slowest of many small statements on another connection until `stop` is set."""
    slowest = 0.0
    with server.connect() as connection:
        while not stop.is_set():
            began = time.monotonic()
            assert run(connection, "SELECT 1") == ((1,),)
            slowest = max(slowest, time.monotonic() - began)
            time.sleep(0.005)
    return slowest


def test_kill_query(server, session):
    victim, killer = session(), session()
    running = Background(victim, LONG)
    wait_until_running(server, victim.thread_id())
    began = time.monotonic()
    run(killer, f"KILL QUERY {victim.thread_id()}")
    assert running.join().code() == 1317
    assert running.ended - began < SOON
    assert run(victim, "SELECT 2") == ((2,),)


def test_kill_connection(server, session):
    victim, killer = session(), session()
    running = Background(victim, LONG)
    wait_until_running(server, victim.thread_id())
    began = time.monotonic()
    run(killer, f"KILL {victim.thread_id()}")
    running.join()
    assert running.error is not None and running.ended - began < SOON
    assert running.code() in (1317, 2006, 2013)
    assert error_of(victim, "SELECT 1") in (0, 1317, 2006, 2013)


def test_kill_idle_connection(session):
    victim, killer = session(), session()
    run(killer, f"KILL {victim.thread_id()}")
    time.sleep(0.2)
    assert error_of(victim, "SELECT 1") in (0, 1317, 2006, 2013, 4031, 1927)


def test_kill_unknown(session):
    assert error_of(session(), "KILL 999999999") == 1094


def test_kill_of_another_user_needs_a_privilege(server, session):
    run(session(), "CREATE USER IF NOT EXISTS kill_nobody IDENTIFIED BY ''")
    victim = session()
    with server.connect(user="kill_nobody") as nobody:
        assert error_of(nobody, f"KILL QUERY {victim.thread_id()}") == 1095
    run(victim, "DROP USER kill_nobody")


def test_max_execution_time(session):
    connection = session()
    run(connection, "SET max_execution_time = 300")
    began = time.monotonic()
    assert error_of(connection, LONG) == 3024
    assert 0.2 < time.monotonic() - began < SOON
    run(connection, "SET max_execution_time = 0")
    assert run(connection, "SELECT 1") == ((1,),)


def test_max_execution_time_hint(session):
    began = time.monotonic()
    assert error_of(session(), LONG.replace("SELECT", "SELECT /*+ MAX_EXECUTION_TIME(300) */")) == 3024
    assert time.monotonic() - began < SOON


def test_max_statement_time_mariadb(mariadb_server):
    with mariadb_server.connect() as connection:
        run(connection, "SET max_statement_time = 0.3")
        began = time.monotonic()
        assert error_of(connection, LONG) == 1969
        assert time.monotonic() - began < SOON


def test_sleep_can_be_killed(session):
    victim, killer = session(), session()
    running = Background(victim, "SELECT SLEEP(60)")
    time.sleep(0.3)
    began = time.monotonic()
    run(killer, f"KILL QUERY {victim.thread_id()}")
    running.join()
    assert running.ended - began < SOON
    # MySQL's SLEEP says 1 where it is interrupted, when it is a statement's only expression.
    assert running.code() == 1317 or running.rows == ((1,),)


def test_client_that_goes_away(server, session):
    victim = session()
    thread_id = victim.thread_id()
    Background(victim, LONG)
    wait_until_running(server, thread_id)
    victim._sock.shutdown(2)  # no COM_QUIT: as a client that died
    deadline = time.monotonic() + SOON
    while any(row[0] == thread_id for row in server.query("SHOW PROCESSLIST")):
        assert time.monotonic() < deadline, "its statement goes on"
        time.sleep(0.05)


def test_others_go_on(server, session):
    stop = threading.Event()
    slowest = []
    watcher = threading.Thread(target=lambda: slowest.append(longest_answer(server, stop)))
    watcher.start()
    victims = [session() for _ in range(4)]
    running = [Background(victim, LONG) for victim in victims]
    time.sleep(1)
    killer = session()
    for victim in victims:
        run(killer, f"KILL QUERY {victim.thread_id()}")
    assert [r.join().code() for r in running] == [1317] * 4
    stop.set()
    watcher.join()
    assert slowest[0] < 1.0


def test_kill_in_a_transaction(session):
    victim, killer = session(), session()
    run(killer, "CREATE TABLE t (id INT PRIMARY KEY)")
    run(victim, "BEGIN")
    run(victim, "INSERT INTO t VALUES (1)")
    running = Background(victim, LONG)
    time.sleep(0.5)
    run(killer, f"KILL QUERY {victim.thread_id()}")
    assert running.join().code() == 1317
    assert run(victim, "SELECT COUNT(*) FROM t") == ((1,),)
    run(victim, "INSERT INTO t VALUES (2)")
    assert run(killer, "SELECT COUNT(*) FROM t") == ((0,),)  # the transaction is still open
    run(victim, "COMMIT")
    assert run(killer, "SELECT COUNT(*) FROM t") == ((2,),)


def test_kill_of_a_write_in_a_transaction(server, session):
    """Only the killed statement is undone, whatever it had changed until then."""
    victim, killer = session(), session()
    run(killer, "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, n BIGINT)")
    run(victim, "BEGIN")
    run(victim, "INSERT INTO t (n) VALUES (1), (2), (3)")
    run(victim, "DELETE FROM t WHERE id = 2")
    for statement in ("INSERT INTO t (n) " + LONG, "UPDATE t SET n = (" + LONG + ")",
                      "DELETE FROM t WHERE n < (" + LONG + ")"):
        running = Background(victim, statement)
        wait_until_running(server, victim.thread_id())
        run(killer, f"KILL QUERY {victim.thread_id()}")
        assert running.join().code() == 1317
        assert run(victim, "SELECT id, n FROM t ORDER BY id") == ((1, 1), (3, 3))
    run(victim, "COMMIT")
    assert run(killer, "SELECT id, n FROM t ORDER BY id") == ((1, 1), (3, 3))


def test_kill_in_a_transaction_that_only_read(session):
    victim, killer = session(), session()
    run(killer, "CREATE TABLE t (id INT PRIMARY KEY)")
    run(victim, "BEGIN")
    assert run(victim, "SELECT COUNT(*) FROM t") == ((0,),)
    running = Background(victim, LONG)
    time.sleep(0.5)
    run(killer, f"KILL QUERY {victim.thread_id()}")
    assert running.join().code() == 1317
    run(victim, "INSERT INTO t VALUES (2)")
    assert run(killer, "SELECT COUNT(*) FROM t") == ((0,),)  # the transaction is still open
    run(victim, "COMMIT")
    assert run(killer, "SELECT COUNT(*) FROM t") == ((1,),)


def test_kill_in_a_transaction_whose_snapshot_is_gone(session):
    victim, killer = session(), session()
    run(killer, "CREATE TABLE t (id INT PRIMARY KEY)")
    run(victim, "BEGIN")
    assert run(victim, "SELECT COUNT(*) FROM t") == ((0,),)
    run(killer, "INSERT INTO t VALUES (1)")
    running = Background(victim, LONG)
    time.sleep(0.5)
    run(killer, f"KILL QUERY {victim.thread_id()}")
    # Not 1317: the transaction could not go on reading what it had read before, and it does not pretend to.
    assert running.join().code() == 1213
    assert run(victim, "SELECT COUNT(*) FROM t") == ((1,),)


def test_kill_connection_rolls_back(session):
    victim, killer = session(), session()
    run(killer, "CREATE TABLE t (id INT PRIMARY KEY)")
    run(victim, "BEGIN")
    run(victim, "INSERT INTO t VALUES (1)")
    run(killer, f"KILL {victim.thread_id()}")
    run(killer, "SET innodb_lock_wait_timeout = 5")
    run(killer, "INSERT INTO t VALUES (1)")  # waits for the lock that the killed one gives back
    assert run(killer, "SELECT COUNT(*) FROM t") == ((1,),)


def test_kill_a_write(server, session):
    victim, killer = session(), session()
    run(killer, "CREATE TABLE t (id BIGINT, n BIGINT)")
    running = Background(victim, "INSERT INTO t " + LONG.replace("COUNT(*)", "a.id, b.id"))
    wait_until_running(server, victim.thread_id())
    run(killer, f"KILL QUERY {victim.thread_id()}")
    assert running.join().code() == 1317
    assert run(killer, "SELECT COUNT(*) FROM t") == ((0,),)
    run(killer, "INSERT INTO t VALUES (1, 1)")


def test_kill_while_waiting_for_the_lock(session):
    holder, victim, killer = session(), session(), session()
    run(killer, "CREATE TABLE t (id INT PRIMARY KEY)")
    run(holder, "BEGIN")
    run(holder, "INSERT INTO t VALUES (1)")
    running = Background(victim, "INSERT INTO t VALUES (2)")
    time.sleep(0.3)
    run(killer, f"KILL QUERY {victim.thread_id()}")
    assert running.join().code() == 1317
    run(holder, "COMMIT")
    assert run(killer, "SELECT COUNT(*) FROM t") == ((1,),)


@pytest.mark.parametrize("sql", ["SELECT a.id, b.id FROM shared.large a JOIN shared.large b ON a.id <> b.id",
                                 "SELECT a.name, COUNT(*) FROM shared.large a JOIN shared.large b ON a.id > b.id GROUP BY a.name",
                                 "SELECT a.name n FROM shared.large a JOIN shared.large b ON a.id > b.id ORDER BY b.name"],
                         ids=["stream", "group", "sort"])
def test_kill_other_plans(server, session, sql):
    victim, killer = session(cursorclass=pymysql.cursors.SSCursor), session()
    running = Background(victim, sql)
    wait_until_running(server, victim.thread_id())
    run(killer, f"KILL QUERY {victim.thread_id()}")
    began = time.monotonic()
    assert running.join(60).code() == 1317
    assert running.ended - began < SOON * 2
