"""storage.backend: hybrid: tables are copied while the server is written to, killed, and changed; the copy is its equal."""

import contextlib
import random
import re
import signal
import subprocess
import sys
import threading
import time

import pymysql
import pytest
from conftest import ROOT, Upstream, error_of, run

sys.path.insert(0, str(ROOT / "tests/faultproxy"))
from faultproxy import FaultProxy, forward, throttle  # noqa: E402

WAIT_SECONDS = 120
KINDS = ["mysql", "mariadb"]
MIB = 1 << 20
# What copying 400 MiB of wide rows may take of memory: DuckDB keeps them until its next checkpoint, two portions of 32 MiB
# are on the way to it. All of them on the way would be twice as much.
WIDE_MEMORY = 832 * MIB

# Name, type, and values: extremes first, then what is easily got wrong.
TYPES = [
    ("i1", "TINYINT", ["-128", "127", "0"]),
    ("u1", "TINYINT UNSIGNED", ["255", "0", "7"]),
    ("i2", "SMALLINT", ["-32768", "32767", "0"]),
    ("u2", "SMALLINT UNSIGNED", ["65535", "0", "1"]),
    ("i3", "MEDIUMINT", ["-8388608", "8388607", "0"]),
    ("u3", "MEDIUMINT UNSIGNED", ["16777215", "0", "1"]),
    ("i4", "INT", ["-2147483648", "2147483647", "0"]),
    ("u4", "INT UNSIGNED", ["4294967295", "0", "1"]),
    ("i8", "BIGINT", ["-9223372036854775808", "9223372036854775807", "0"]),
    ("u8", "BIGINT UNSIGNED", ["18446744073709551615", "0", "1"]),
    ("z4", "INT(5) ZEROFILL", ["1", "99999", "0"]),
    ("d1", "DECIMAL(4,2)", ["-99.99", "99.99", "0.01"]),
    ("d2", "DECIMAL(18,6)", ["-999999999999.999999", "0.000001", "1"]),
    ("d3", "DECIMAL(38,10)", ["-9999999999999999999999999999.9999999999", "0.0000000001", "1"]),
    ("d4", "DECIMAL(65,30)", ["-99999999999999999999999999999999999.999999999999999999999999999999",
                              "0.000000000000000000000000000001", "1"]),
    ("f4", "FLOAT", ["16777216", "-3.40282e38", "1.17549e-38"]),
    ("f8", "DOUBLE", ["1.7976931348623157e308", "-2.2250738585072014e-308", "0.1"]),
    ("b1", "BIT(1)", ["b'1'", "b'0'", "b'1'"]),
    ("b64", "BIT(64)", ["18446744073709551615", "0", "9223372036854775808"]),
    ("dt", "DATE", ["'1000-01-01'", "'9999-12-31'", "'0000-00-00'"]),
    ("dp", "DATE", ["'2024-00-00'", "'2024-02-29'", "'2024-01-00'"]),
    ("tm", "TIME", ["'-838:59:59'", "'838:59:59'", "'00:00:00'"]),
    ("tm6", "TIME(6)", ["'-838:59:59.000000'", "'838:59:58.999999'", "'-00:00:00.000001'"]),
    ("dm", "DATETIME", ["'1000-01-01 00:00:00'", "'9999-12-31 23:59:59'", "'0000-00-00 00:00:00'"]),
    ("dm6", "DATETIME(6)", ["'2024-02-29 12:34:56.789012'", "'2024-02-29 00:00:00.000001'", "'0000-00-00'"]),
    ("ts", "TIMESTAMP NULL", ["'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'", "'0000-00-00 00:00:00'"]),
    ("ts6", "TIMESTAMP(6) NULL", ["'1970-01-01 00:00:01.000001'", "'2038-01-19 03:14:07.999999'", "'2024-03-31 02:30:00.5'"]),
    ("y", "YEAR", ["1901", "2155", "0"]),
    ("c1", "CHAR(10) CHARACTER SET latin1", ["'äöü'", "'a  '", "''"]),
    ("c2", "VARCHAR(20) CHARACTER SET utf8mb4", ["'€😀'", "'a  '", "''"]),
    ("c3", "VARCHAR(20) CHARACTER SET ucs2", ["'€x'", "'a'", "''"]),
    ("c4", "CHAR(5) CHARACTER SET utf8mb3", ["'äö'", "'a'", "''"]),
    ("c5", "TEXT CHARACTER SET utf16", ["'😀x'", "'a'", "''"]),
    ("bi", "BINARY(5)", ["'a'", "'abcde'", "''"]),
    ("vb", "VARBINARY(5)", ["X'00FF00'", "'abcde'", "''"]),
    ("bl", "BLOB", ["X'00FF00'", "'abcde'", "''"]),
    ("lt", "LONGTEXT", ["REPEAT('x', 70000)", "'abcde'", "''"]),
    ("en", "ENUM('', 'a', 'ä', '€')", ["'a'", "'€'", "''"]),
    ("se", "SET('a', 'b', 'ä')", ["'a,ä'", "''", "'b'"]),
    ("s64", "SET(" + ",".join(f"'m{i}'" for i in range(64)) + ")", ["18446744073709551615", "9223372036854775809", "0"]),
    ("js", "JSON", ["'{\"b\": 1, \"a\": [1.5, null, true, \"ä\"]}'", "'[]'", "'\"x\"'"]),
]


@pytest.fixture(scope="module", params=KINDS)
def shared_source(request, shared_work):
    upstream = Upstream(request.param, shared_work / f"snapshot-{request.param}", "--binlog").start()
    yield upstream
    upstream.stop()


@pytest.fixture
def source(shared_source):
    """Without databases of other tests."""
    for database in ("d", "e"):
        shared_source.query(f"DROP DATABASE IF EXISTS {database}")
    return shared_source


def copy_of(source, new_server, *options, port=None):
    """port: of what stands before the source."""
    return new_server("--storage", "hybrid", "--mysql-host", "127.0.0.1", "--mysql-port", str(port or source.port), "--mysql-user",
                      "root", "--replica-retry", "100ms", *options)


def states(copy, database="d"):
    """Name to state and reason."""
    rows = copy.query(f"SELECT name, state, reason FROM pintail.tables WHERE `database` = '{database}'")
    return {name: (state.upper(), reason) for name, state, reason in rows}


def wait_for(what, why):
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        try:
            if what():
                return
        except pymysql.Error:
            pass
        time.sleep(0.1)
    raise AssertionError(why())


def wait_until_live(copy, *tables, database="d"):
    wait_for(lambda: all(states(copy, database).get(t, ("",))[0] == "LIVE" for t in tables),
             lambda: f"{states(copy, database)}\n{copy.log_text()[-4000:]}")


def contents(server, sql, column=False):
    """Rows in an order of their own."""
    with server.connect() as connection:
        run(connection, "SET time_zone = '+00:00'")
        if column:
            run(connection, "SET pintail_route = 'column'")
        return sorted(run(connection, sql), key=repr)


def assert_equal(copy, source, *tables, database="d"):
    """Once the copy has caught up; and by its own means."""
    for table in tables:
        sql = f"SELECT * FROM {database}.{table}"
        wanted = contents(source, sql)
        wait_for(lambda: contents(copy, sql, column=True) == wanted,
                 lambda: f"{table}: {len(wanted)} rows, {len(contents(copy, sql, column=True))} in the copy: "
                         f"{differences(wanted, contents(copy, sql, column=True))}\n{copy.log_text()[-3000:]}")
        assert verify(copy, table, database) == len(wanted)


def differences(a, b):
    a, b = {repr(row) for row in a}, {repr(row) for row in b}
    return sorted(a - b)[:2], sorted(b - a)[:2]


def verify(copy, table, database="d"):
    """How many rows were compared; none differs."""
    rows = copy.query(f"PINTAIL VERIFY TABLE {database}.{table}")
    assert rows[-1][2:] == ("status", "OK"), rows
    return int(rows[0][3].split(" rows in ")[0])


def verify_by_program(copy, *arguments):
    """What `pintail verify` makes of the copy."""
    return subprocess.run([copy.binary, "verify", "--port", str(copy.port), *arguments], capture_output=True, text=True, timeout=60)


def verify_error(copy, table, database="d"):
    """What it says of rows that differ."""
    rows = copy.query(f"PINTAIL VERIFY TABLE {database}.{table}")
    assert rows[-1][2] == "Error", rows
    return rows[-1][3]


def test_types_at_their_limits(source, new_server):
    columns = ", ".join(f"{name} {kind}" for name, kind, _ in TYPES)
    names = ", ".join(name for name, _, _ in TYPES)
    with source.connect() as connection:
        run(connection, "SET sql_mode = '', time_zone = '+00:00'")
        run(connection, "CREATE DATABASE d")
        run(connection, f"CREATE TABLE d.t (id INT PRIMARY KEY, {columns}, gv INT AS (i1 + 1) VIRTUAL, gs INT AS (i1 + 2) STORED,"
                        " hidden INT INVISIBLE DEFAULT 5)")
        for i in range(3):
            run(connection, f"INSERT INTO d.t (id, {names}) VALUES ({i}, {', '.join(values[i] for _, _, values in TYPES)})")
        run(connection, "INSERT INTO d.t (id) VALUES (99)")
        copy = copy_of(source, new_server).start()
        wait_until_live(copy, "t")
        assert_equal(copy, source, "t")
        # The same values by way of the log.
        for i in range(3):
            run(connection, f"INSERT INTO d.t (id, {names}) VALUES ({i + 10}, {', '.join(values[i] for _, _, values in TYPES)})")
        assert_equal(copy, source, "t")


KEYS = {
    "k_text": ("a VARCHAR(20) COLLATE utf8mb4_unicode_ci NOT NULL", "a", "CONCAT(ELT(1 + n % 7, 'a', 'B', 'ä', 'Z', 'ß', ' x', '日'), n)"),
    "k_latin": ("a VARCHAR(20) CHARACTER SET latin1 NOT NULL", "a", "CONCAT(ELT(1 + n % 5, 'a', 'B', 'ä', 'Z', 'ß'), n)"),
    "k_enum": ("e ENUM('z', 'b', '', 'a') NOT NULL, s SET('q', 'p', 'r') NOT NULL, i INT NOT NULL", "e, s, i", "1 + n % 4, n % 8, n"),
    "k_many": ("a INT NOT NULL, b VARCHAR(5) NOT NULL, c DECIMAL(30,5) NOT NULL", "a, b, c", "n % 3, ELT(1 + n % 2, 'aB', 'Ac'), n - 5.5"),
    "k_time": ("a TIME(2) NOT NULL, b DATE NOT NULL, c BIGINT UNSIGNED NOT NULL", "a, b, c",
               "SEC_TO_TIME(n * 7 - 30000), '2024-02-29', 18446744073709551615 - n"),
    "k_bytes": ("a BIT(20) NOT NULL, b BINARY(4) NOT NULL", "a, b", "n * 3 % 1024, CHAR(n % 256, n / 256)"),
    "k_year": ("a YEAR NOT NULL, i INT NOT NULL", "a, i", "ELT(1 + n % 4, 0, 1901, 2155, 2000), n"),
}


def fill(connection, rows=6000):
    """d.numbers: 0 to rows - 1."""
    run(connection, "CREATE DATABASE IF NOT EXISTS d")
    run(connection, "CREATE TABLE d.numbers (n INT PRIMARY KEY)")
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO d.numbers VALUES (%s)", [(i,) for i in range(rows)])


def test_keys_of_all_kinds(source, new_server):
    with source.connect() as connection:
        fill(connection)
        run(connection, "SET sql_mode = ''")
        for name, (columns, key, values) in KEYS.items():
            run(connection, f"CREATE TABLE d.{name} ({columns}, v INT, PRIMARY KEY ({key}))")
            run(connection, f"INSERT IGNORE INTO d.{name} SELECT {values}, n FROM d.numbers")
        run(connection, "CREATE TABLE d.k_unique (x INT NOT NULL, v INT, UNIQUE `the ``key` (x))")
        run(connection, "INSERT INTO d.k_unique SELECT n, n FROM d.numbers")
        run(connection, "CREATE TABLE d.k_none (x INT, v VARCHAR(10))")
        run(connection, "INSERT INTO d.k_none SELECT n DIV 10, IF(n % 3, 'x', NULL) FROM d.numbers")
        run(connection, "CREATE TABLE d.empty (x INT PRIMARY KEY)")
        run(connection, "CREATE TABLE d.empty_none (x INT)")
    tables = ["numbers", *KEYS, "k_unique", "k_none", "empty", "empty_none"]
    copy = copy_of(source, new_server).start()
    wait_until_live(copy, *tables)
    assert_equal(copy, source, *tables)


class Writers:
    """Threads that write to d.t (a key), d.s (a text key) and d.n (no key) until they are told to stop."""

    def __init__(self, source, rows):
        self.source, self.rows, self.stopping = source, rows, threading.Event()
        self.errors = []
        self.threads = [threading.Thread(target=self.write, args=(seed,)) for seed in range(3)]

    def create(self):
        with self.source.connect() as connection:
            fill(connection)
            run(connection, "CREATE TABLE d.t (id INT PRIMARY KEY, a INT, b VARCHAR(100))")
            for i in range(0, self.rows, 6000):
                run(connection, f"INSERT INTO d.t SELECT n + {i}, n, REPEAT('x', n % 100) FROM d.numbers")
            run(connection, "CREATE TABLE d.s (k VARCHAR(30) COLLATE utf8mb4_general_ci, j INT, v INT, PRIMARY KEY (k, j))")
            run(connection, "INSERT INTO d.s SELECT CONCAT(ELT(1 + n % 4, 'ä', 'b', 'C', 'd'), n), n % 5, n FROM d.numbers")
            run(connection, "CREATE TABLE d.n (a INT, b VARCHAR(20))")
            run(connection, "INSERT INTO d.n SELECT n % 500, 'same' FROM d.numbers")

    def write(self, seed):
        r = random.Random(seed)
        try:
            with self.source.connect(autocommit=False) as connection:
                while not self.stopping.is_set():
                    self.transaction(connection, r)
        except Exception as e:  # pylint: disable=broad-except
            self.errors.append(e)

    def transaction(self, connection, r):
        statements = [
            lambda: f"UPDATE d.t SET a = a + 1 WHERE id BETWEEN {(i := r.randrange(self.rows))} AND {i + 3}",
            lambda: f"DELETE FROM d.t WHERE id = {r.randrange(self.rows)}",
            lambda: f"REPLACE INTO d.t (id, a, b) VALUES ({r.randrange(self.rows + 1000)}, {r.randrange(9)}, 'new')",
            lambda: f"UPDATE IGNORE d.t SET id = id + {r.randrange(1, 5000)} WHERE id = {r.randrange(self.rows)}",
            lambda: f"UPDATE IGNORE d.s SET k = CONCAT('{r.choice('äBcZ')}', {r.randrange(6000)}) WHERE v = {r.randrange(6000)} LIMIT 1",
            lambda: f"DELETE FROM d.s WHERE k LIKE 'b{r.randrange(6000)}'",
            lambda: f"INSERT INTO d.n VALUES ({r.randrange(500)}, 'same')",
            lambda: f"UPDATE d.n SET b = 'other' WHERE a = {r.randrange(500)} LIMIT 2",
            lambda: f"DELETE FROM d.n WHERE a = {r.randrange(500)} LIMIT 1",
        ]
        try:
            for _ in range(r.randrange(1, 4)):
                run(connection, r.choice(statements)())
            connection.rollback() if r.randrange(10) == 0 else connection.commit()
        except pymysql.err.OperationalError as e:
            if e.args[0] not in (1205, 1213):
                raise
            connection.rollback()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        assert not self.errors, self.errors


def test_writes_meanwhile(source, new_server):
    writers = Writers(source, 60000)
    writers.create()
    copy = copy_of(source, new_server)
    with writers:
        copy.start()
        wait_until_live(copy, "t", "s", "n")
        for table in ("t", "s", "n"):
            verify(copy, table)
    assert_equal(copy, source, "t", "s", "n")


def test_kills_meanwhile(source, new_server):
    writers = Writers(source, 60000)
    writers.create()
    copy = copy_of(source, new_server)
    r = random.Random(7)
    with writers:
        for _ in range(6):
            copy.start()
            time.sleep(r.random() * 1.5)
            copy.kill()
        copy.start()
        wait_until_live(copy, "t", "s", "n")
    assert_equal(copy, source, "t", "s", "n")
    # What is there is not copied again.
    copy.stop()
    before = len(copy.log_text())
    copy.start()
    wait_until_live(copy, "t", "s", "n")
    assert_equal(copy, source, "t", "s", "n")
    assert " rows copied in " not in copy.log_text()[before:]


def fill_wide(source, rows, narrow=0):
    """d.wide: rows without much in them, then rows of 1 MiB. The log does not have them."""
    with source.connect() as connection:
        run(connection, "SET sql_log_bin = 0")
        fill(connection, max(rows, narrow))
        run(connection, "CREATE TABLE d.wide (id INT PRIMARY KEY, a LONGBLOB)")
        run(connection, f"INSERT INTO d.wide SELECT n, 'narrow' FROM d.numbers WHERE n < {narrow}")
        run(connection, f"INSERT INTO d.wide SELECT n + {narrow}, REPEAT(SHA2(n, 256), {MIB // 64}) FROM d.numbers WHERE n < {rows}")
        run(connection, "DROP TABLE d.numbers")


def rows_copied(copy, table, database="d"):
    rows = copy.query(f"SELECT rows_copied FROM pintail.tables WHERE `database` = '{database}' AND name = '{table}'")
    return rows[0][0] if rows else 0


def test_a_killed_copy_goes_on_where_it_was(source, new_server):
    """What is stored is not read again."""
    wide = 60
    fill_wide(source, wide)
    with FaultProxy(source.port) as proxy:
        proxy.down = throttle(10 * MIB)
        copy = copy_of(source, new_server, "--storage-mysql-tls-mode", "disabled", port=proxy.port).start()
        seen = [0]

        def is_half_done():
            now = rows_copied(copy, "wide")
            if now != seen[-1]:
                seen.append(now)
            return now >= wide // 2

        wait_for(is_half_done, copy.log_text)
        copy.kill()
        # Rows are counted when they are about to be stored, those before them have been.
        stored = seen[-2]
        assert 0 < stored and seen[-1] < wide, seen
        copy.start()
        wait_for(lambda: rows_copied(copy, "wide") >= stored, copy.log_text)
        wait_until_live(copy, "wide")
        assert rows_copied(copy, "wide") == wide
        again = [int(n) for n in re.findall(r"table d\.wide is live: (\d+) rows copied", copy.log_text())]
        assert len(again) == 1 and 0 < again[0] <= wide - stored, (again, seen)
        proxy.down = forward
        assert verify(copy, "wide") == wide


def test_definitions_change_meanwhile(source, new_server):
    """Tables are altered, made and dropped while they are copied."""
    writers = Writers(source, 60000)
    writers.create()
    copy = copy_of(source, new_server)
    with writers, source.connect() as connection:
        copy.start()
        run(connection, "CREATE TABLE d.gone (x INT PRIMARY KEY) SELECT n AS x FROM d.numbers" if source.dialect == "mariadb"
            else "CREATE TABLE d.gone (x INT PRIMARY KEY)")
        for i in range(5):
            run(connection, f"ALTER TABLE d.t ADD COLUMN c{i} INT DEFAULT {i}")
            run(connection, f"CREATE TABLE d.made{i} (x INT PRIMARY KEY, y VARCHAR(10) DEFAULT 'y')")
            run(connection, f"INSERT INTO d.made{i} (x) SELECT n FROM d.numbers")
            time.sleep(0.3)
        run(connection, "DROP TABLE d.gone")
        run(connection, "ALTER TABLE d.s MODIFY v BIGINT")
        run(connection, "RENAME TABLE d.made0 TO d.renamed")
    tables = ["t", "s", "n", "renamed", *(f"made{i}" for i in range(1, 5))]
    wait_until_live(copy, *tables)
    assert_equal(copy, source, *tables)
    wait_for(lambda: "gone" not in states(copy) and "made0" not in states(copy), lambda: states(copy))


def test_what_is_not_copied(source, new_server):
    with source.connect() as connection:
        fill(connection, 10)
        run(connection, "CREATE TABLE d.other (x INT PRIMARY KEY) ENGINE = MyISAM")
        run(connection, "CREATE VIEW d.view AS SELECT * FROM d.numbers")
        run(connection, "CREATE TABLE d.tmp_1 (x INT PRIMARY KEY)")
        run(connection, "CREATE TABLE d.labels (x INT PRIMARY KEY, e ENUM('a', '😀'))")
        run(connection, "CREATE DATABASE e")
        run(connection, "CREATE TABLE e.t (x INT PRIMARY KEY)")
    copy = copy_of(source, new_server, "--replica-include", "d.*", "--replica-exclude", "d.tmp_*").start()
    wait_until_live(copy, "numbers")
    wait_for(lambda: all(states(copy).get(t, ("",))[0] == "ASIDE" for t in ("other", "labels")), lambda: states(copy))
    assert "engine" in states(copy)["other"][1]
    assert states(copy)["labels"][0] == "ASIDE" and "label" in states(copy)["labels"][1]
    assert set(states(copy)) == {"numbers", "other", "labels"}
    assert not states(copy, "e")


def test_patterns_that_have_changed_at_the_next_start(source, new_server):
    """A table that they no longer take leaves the copy; one that they take again is copied, as it is then."""
    with source.connect() as connection:
        fill(connection, 10)
        for table in ("stays", "goes"):
            run(connection, f"CREATE TABLE d.{table} (x INT PRIMARY KEY)")
            run(connection, f"INSERT INTO d.{table} SELECT n FROM d.numbers")
        copy = copy_of(source, new_server).start()
        wait_until_live(copy, "numbers", "stays", "goes")
        options = copy.options
        for patterns in (["--replica-exclude", "d.goes"], ["--replica-include", "d.numbers,d.stays"]):
            copy.stop()
            before = len(copy.log_text())
            copy.options = [*options, *patterns]
            copy.start()
            wait_for(lambda: set(states(copy)) == {"numbers", "stays"}, lambda: (states(copy), copy.log_text()[-3000:]))
            run(connection, "DELETE FROM d.goes WHERE x = 3")
            run(connection, "REPLACE INTO d.goes VALUES (100)")
            with copy.connect() as session:
                run(session, "SET pintail_route = 'column'")
                assert error_of(session, "SELECT * FROM d.goes") == 1146
            copy.stop()
            copy.options = options
            copy.start()
            wait_until_live(copy, "numbers", "stays", "goes")
            assert_equal(copy, source, "numbers", "stays", "goes")
            assert re.findall(r"table (\S+) is live", copy.log_text()[before:]) == ["d.goes"]


@contextlib.contextmanager
def locking(source, table):
    """Takes the exclusive metadata lock of a table time and again meanwhile, as ALTER TABLE does; how long each had to wait."""
    waits, stopping = [], threading.Event()

    def lock():
        with source.connect() as connection:
            while not stopping.is_set():
                waits.append(time_of_lock(connection, table))
                stopping.wait(0.05)

    thread = threading.Thread(target=lock)
    thread.start()
    try:
        yield waits
    finally:
        stopping.set()
        thread.join()


def time_of_lock(connection, table):
    begun = time.monotonic()
    run(connection, f"LOCK TABLES {table} WRITE")
    waited = time.monotonic() - begun
    run(connection, "UNLOCK TABLES")
    return waited


def test_wide_rows(source, new_server):
    """They are never all in memory."""
    wide = 400
    fill_wide(source, wide)
    copy = copy_of(source, new_server).start()
    before = copy.resident()
    wait_until_live(copy, "wide")
    grown = copy.peak() - before
    assert verify(copy, "wide") == wide
    assert grown < WIDE_MEMORY, f"{grown / MIB:.0f} MiB"


# The longest wait for a metadata lock: a second; where a connection is dropped another, in which the source waits for the
# proxy to read on; and what a busy machine adds.
LOCK_SECONDS = 2.5


def test_wide_rows_are_not_locked_for_long(source, new_server):
    """Behind narrow ones, through a network that is slower than the source."""
    wide, narrow = 150, 3000
    fill_wide(source, wide, narrow)
    with FaultProxy(source.port) as proxy:
        proxy.down = throttle(40 * MIB)
        copy = copy_of(source, new_server, "--storage-mysql-tls-mode", "disabled", port=proxy.port).start()
        with locking(source, "d.wide") as waits:
            wait_until_live(copy, "wide")
        assert max(waits) < LOCK_SECONDS, waits
        proxy.down = forward
        assert verify(copy, "wide") == wide + narrow


def test_a_copy_that_stands_still_holds_no_lock(source, new_server):
    """The source gives up who neither reads nor asks."""
    wide = 100
    fill_wide(source, wide)
    with FaultProxy(source.port) as proxy, source.connect() as connection:
        proxy.down = throttle(20 * MIB)
        copy = copy_of(source, new_server, "--storage-mysql-tls-mode", "disabled", port=proxy.port).start()
        run(connection, "SET lock_wait_timeout = 20")
        for part in range(4):
            wait_for(lambda: rows_copied(copy, "wide") >= wide // 6 * part, copy.log_text)
            copy.signal(signal.SIGSTOP)
            try:
                waited = time_of_lock(connection, "d.wide")
            finally:
                copy.signal(signal.SIGCONT)
            assert waited < LOCK_SECONDS, f"{waited:.1f} s"
        proxy.down = forward
        wait_until_live(copy, "wide")
        assert verify(copy, "wide") == wide


def test_verifying_finds_what_differs(source, new_server):
    """Rows changed behind the log's back."""
    with source.connect() as connection:
        fill(connection)
        run(connection, "CREATE TABLE d.t (id INT PRIMARY KEY, name VARCHAR(20))")
        run(connection, "INSERT INTO d.t SELECT n, CONCAT('name ', n) FROM d.numbers")
        copy = copy_of(source, new_server).start()
        wait_until_live(copy, "t")
        verify(copy, "t")
        run(connection, "SET sql_log_bin = 0")
        run(connection, "UPDATE d.t SET name = 'Name 17' WHERE id = 17")
        text = verify_error(copy, "t")
        assert text.startswith("1 of 6000 rows in 1 of ") and "the first: chunk " in text, text
        assert text.endswith("row (id = 17): column name differs"), text
        run(connection, "UPDATE d.t SET name = 'name 17' WHERE id = 17")
        run(connection, "DELETE FROM d.t WHERE id = 4000")
        assert "not on the source" in verify_error(copy, "t")


def test_the_program_verifies(source, new_server):
    """pintail verify: what is equal, what differs, what cannot be compared."""
    with source.connect() as connection:
        fill(connection, 100)
        run(connection, "CREATE TABLE d.`t``1` (id INT PRIMARY KEY, name VARCHAR(20))")
        run(connection, "CREATE TABLE d.other (id INT PRIMARY KEY)")
        run(connection, "CREATE TABLE d.myisam (id INT PRIMARY KEY) ENGINE = MyISAM")
        run(connection, "INSERT INTO d.`t``1` SELECT n, CONCAT('name ', n) FROM d.numbers")
        copy = copy_of(source, new_server).start()
        wait_until_live(copy, "t`1", "other", "numbers")
        wait_for(lambda: states(copy).get("myisam", ("",))[0] == "ASIDE", lambda: str(states(copy)))
        done = verify_by_program(copy)
        assert done.returncode == 0 and "3 equal, 0 different, 0 not compared" in done.stdout, done
        line = next(line for line in done.stdout.splitlines() if line.startswith("d.t`1 "))
        assert line.split()[1:3] == ["equal", "100"], line
        assert "engine" in next(line for line in done.stdout.splitlines() if line.startswith("d.myisam "))
        run(connection, "SET sql_log_bin = 0")
        run(connection, "UPDATE d.`t``1` SET name = '' WHERE id = 17")
        done = verify_by_program(copy, "--quiet")
        assert done.returncode == 1 and "2 equal, 1 different" in done.stdout, done
        assert "d.t`1" in done.stdout and "row (id = 17): column name differs" in done.stdout and "d.other" not in done.stdout, done
    assert verify_by_program(copy, "d.oth*").returncode == 0
    assert verify_by_program(copy, "d.o*", "d.myisam").returncode == 2
    assert verify_by_program(copy, "nothing.*").returncode == 2
    with copy.connect() as connection:
        run(connection, "SET pintail_route = 'column'")
        run(connection, "STOP REPLICA")
    done = verify_by_program(copy, "d.other")
    assert done.returncode == 2 and "START REPLICA" in done.stdout, done
    copy.stop()
    done = verify_by_program(copy)
    assert done.returncode == 2 and "connect" in done.stderr, done
