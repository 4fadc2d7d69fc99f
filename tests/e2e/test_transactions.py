"""What sessions see of each other, who waits for whom, and what ends a transaction."""

import threading
import time

import pytest
from conftest import error_of, run


@pytest.fixture
def two(session):
    """Two sessions and a table t with one row."""
    a, b = session(), session()
    run(a, "CREATE TABLE t (id INT PRIMARY KEY, n INT)")
    run(a, "INSERT INTO t VALUES (1, 10)")
    return a, b


def count(connection):
    return run(connection, "SELECT COUNT(*) FROM t")[0][0]


def test_uncommitted_is_not_seen(two):
    a, b = two
    run(a, "BEGIN")
    run(a, "INSERT INTO t VALUES (2, 20)")
    assert (count(a), count(b)) == (2, 1)
    run(a, "COMMIT")
    assert count(b) == 2


def test_repeatable_read(two):
    a, b = two
    run(b, "BEGIN")
    assert count(b) == 1
    run(a, "INSERT INTO t VALUES (2, 20)")
    assert count(b) == 1
    run(b, "COMMIT")
    assert count(b) == 2


def test_snapshot_begins_with_the_first_read(two):
    a, b = two
    run(b, "BEGIN")
    run(a, "INSERT INTO t VALUES (2, 20)")
    assert count(b) == 2
    run(b, "COMMIT")


def test_consistent_snapshot(two):
    a, b = two
    run(b, "START TRANSACTION WITH CONSISTENT SNAPSHOT")
    run(a, "INSERT INTO t VALUES (2, 20)")
    assert count(b) == 1
    run(b, "COMMIT")


def test_lock_wait_timeout(two):
    a, b = two
    run(a, "BEGIN")
    run(a, "UPDATE t SET n = 11 WHERE id = 1")
    run(b, "SET innodb_lock_wait_timeout = 1")
    began = time.monotonic()
    assert error_of(b, "UPDATE t SET n = 12 WHERE id = 1") == 1205
    assert 0.8 < time.monotonic() - began < 5
    run(a, "COMMIT")
    run(b, "UPDATE t SET n = n + 1 WHERE id = 1")
    assert run(a, "SELECT n FROM t") == ((12,),)


def test_readers_do_not_wait(two):
    a, b = two
    run(a, "BEGIN")
    run(a, "DELETE FROM t")
    began = time.monotonic()
    assert count(b) == 1
    assert time.monotonic() - began < 1
    run(a, "ROLLBACK")
    assert count(b) == 1


def test_waiter_goes_on_at_commit(two):
    a, b = two
    run(a, "BEGIN")
    run(a, "UPDATE t SET n = n + 1")
    waiter = threading.Thread(target=run, args=(b, "UPDATE t SET n = n + 1"))
    waiter.start()
    time.sleep(0.3)
    assert waiter.is_alive()
    run(a, "COMMIT")
    waiter.join(10)
    assert run(b, "SELECT n FROM t") == ((12,),)


def test_autocommit_off(two):
    a, b = two
    run(a, "SET autocommit = 0")
    run(a, "INSERT INTO t VALUES (2, 20)")
    assert count(b) == 1
    run(a, "SET autocommit = 1")  # commits
    assert count(b) == 2


def test_autocommit_off_rolls_back_at_disconnect(two, session):
    a, b = two
    c = session(autocommit=False)
    run(c, "INSERT INTO t VALUES (2, 20)")
    c.close()
    time.sleep(0.3)
    assert (count(a), count(b)) == (1, 1)


def test_begin_commits_what_is_open(two):
    a, b = two
    run(a, "BEGIN")
    run(a, "INSERT INTO t VALUES (2, 20)")
    run(a, "BEGIN")
    assert count(b) == 2
    run(a, "ROLLBACK")
    assert count(b) == 2


def test_read_only_transaction(two):
    a, _ = two
    run(a, "START TRANSACTION READ ONLY")
    assert count(a) == 1
    assert error_of(a, "INSERT INTO t VALUES (2, 20)") == 1792
    run(a, "COMMIT")
    run(a, "SET SESSION TRANSACTION READ ONLY")
    assert error_of(a, "DELETE FROM t") == 1792
    run(a, "SET SESSION TRANSACTION READ WRITE")
    run(a, "DELETE FROM t")


def test_a_failed_statement_leaves_the_transaction(two):
    a, b = two
    run(a, "BEGIN")
    run(a, "INSERT INTO t VALUES (2, 20)")
    assert error_of(a, "INSERT INTO t VALUES (3, 30), (1, 10)") == 1062
    assert error_of(a, "SELECT nothing FROM t") == 1054
    assert error_of(a, "this is no SQL") == 1064
    assert count(a) == 2  # row 3 of the failed statement is not there
    run(a, "INSERT INTO t VALUES (4, 40)")
    run(a, "COMMIT")
    assert run(b, "SELECT id FROM t ORDER BY id") == ((1,), (2,), (4,))


def test_ddl_commits(two):
    a, b = two
    run(a, "BEGIN")
    run(a, "INSERT INTO t VALUES (2, 20)")
    run(a, "CREATE TABLE u (id INT)")
    run(a, "ROLLBACK")
    assert count(b) == 2


def test_ddl_waits_for_readers_or_leaves_them_alone(two):
    a, b = two
    run(b, "BEGIN")
    assert count(b) == 1
    run(a, "SET lock_wait_timeout = 1, innodb_lock_wait_timeout = 1")
    began = time.monotonic()
    code = error_of(a, "ALTER TABLE t ADD COLUMN extra INT DEFAULT 5")
    assert time.monotonic() - began < 5
    # Either MySQL's metadata lock (1205), or the reader keeps its view; never another view or a wrong answer.
    assert code in (None, 1205)
    rows = run(b, "SELECT id, n FROM t") if error_of(b, "SELECT id, n FROM t") is None else None
    assert rows in (((1, 10),), None)
    run(b, "COMMIT")
    if code is not None:
        run(a, "ALTER TABLE t ADD COLUMN extra INT DEFAULT 5")
    assert run(b, "SELECT * FROM t") == ((1, 10, 5),)


def test_drop_of_a_table_another_has_read(two):
    a, b = two
    run(b, "BEGIN")
    assert count(b) == 1
    run(a, "SET lock_wait_timeout = 1, innodb_lock_wait_timeout = 1")
    code = error_of(a, "DROP TABLE t")
    assert code in (None, 1205)
    if code is not None:
        assert count(b) == 1
    run(b, "COMMIT")
    if code is not None:
        run(a, "DROP TABLE t")
    assert error_of(b, "SELECT * FROM t") == 1146


def test_savepoints(two):
    a, b = two
    run(a, "BEGIN")
    run(a, "INSERT INTO t VALUES (2, 20)")
    run(a, "SAVEPOINT s")
    run(a, "INSERT INTO t VALUES (3, 30)")
    run(a, "ROLLBACK TO s")
    assert count(a) == 2
    run(b, "SET innodb_lock_wait_timeout = 1")
    assert error_of(b, "INSERT INTO t VALUES (4, 40)") == 1205  # its changes are still kept from others
    run(a, "COMMIT")
    assert count(b) == 2


def test_too_much_to_go_back(two):
    """What cannot be written again is lost as a whole, and the client is told."""
    a, b = two
    run(a, "CREATE TABLE wide (id INT PRIMARY KEY, s LONGTEXT)")
    run(a, "BEGIN")
    run(a, "INSERT INTO t VALUES (2, 20)")
    for i in range(9):
        run(a, f"INSERT INTO wide VALUES ({i}, REPEAT('x', 10000000))")
    assert error_of(a, "SELECT 9223372036854775807 + n FROM t") == 1213
    assert count(a) == 1 and count(b) == 1
    run(b, "INSERT INTO t VALUES (3, 30)")
    run(a, "COMMIT")
    assert count(a) == 2


def test_many_writers(two, session):
    """Eight sessions count up the same row; none is lost."""
    def work(connection):
        for _ in range(10):
            run(connection, "UPDATE t SET n = n + 1 WHERE id = 1")
    threads = [threading.Thread(target=work, args=(session(),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert run(two[0], "SELECT n FROM t WHERE id = 1") == ((90,),)


def test_read_then_write_in_one_transaction(two):
    """A snapshot that is older than another's commit: the write must not undo it."""
    a, b = two
    run(b, "BEGIN")
    assert run(b, "SELECT n FROM t WHERE id = 1") == ((10,),)
    run(a, "UPDATE t SET n = 50 WHERE id = 1")
    code = error_of(b, "UPDATE t SET n = n + 1 WHERE id = 1")
    assert code in (None, 1205, 1213, 1020)
    run(b, "COMMIT" if code is None else "ROLLBACK")
    assert run(a, "SELECT n FROM t WHERE id = 1") == ((51 if code is None else 50,),)


def test_auto_increment_is_not_given_back(two):
    a, _ = two
    run(a, "CREATE TABLE s (id INT PRIMARY KEY AUTO_INCREMENT, x INT)")
    run(a, "BEGIN")
    run(a, "INSERT INTO s (x) VALUES (1), (2)")
    run(a, "ROLLBACK")
    run(a, "INSERT INTO s (x) VALUES (3)")
    assert run(a, "SELECT id, x FROM s") == ((3, 3),)
