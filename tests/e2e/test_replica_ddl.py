"""storage.backend: hybrid: statements that define tables, followed in the log, with rows before and after each."""

import contextlib
import pathlib
import shutil
import tempfile
import time

import pymysql
import pytest
from conftest import Server, Upstream, run

WAIT_SECONDS = 120


class Pair:
    """A real server and the copy of its database d."""

    def __init__(self, source, copy):
        self.source, self.copy, self.dialect = source, copy, source.dialect

    def script(self, *statements):
        with self.source.connect(database="d", sql_mode="") as connection:
            for statement in statements:
                run(connection, statement)

    def states(self):
        rows = self.copy.query("SELECT name, state, rows_copied, reason FROM pintail.tables WHERE `database` = 'd'")
        return {name: (state.upper(), copied, reason) for name, state, copied, reason in rows}

    def difference(self):
        """None when the copy has the source's tables with their rows."""
        wanted = {name for name, kind in self.source.query("SHOW FULL TABLES FROM d") if kind == "BASE TABLE"}
        states = self.states()
        if set(states) != wanted or any(state != "LIVE" for state, _, _ in states.values()):
            return f"tables {sorted(wanted)}, in the copy {states}"
        for table in sorted(wanted):
            want, have = rows_of(self.source, table), rows_of(self.copy, table, column=True)
            if want != have:
                return f"{table}: {str(want)[:500]}, in the copy {str(have)[:500]}"
        return None

    def check(self):
        deadline = time.monotonic() + WAIT_SECONDS
        found = "nothing was compared"
        while found is not None:
            try:
                found = self.difference()
            except pymysql.Error as e:
                found = repr(e)
            if found is None:
                return
            if time.monotonic() > deadline:
                raise AssertionError(f"{found}\n{self.copy.log_text()[-3000:]}")
            time.sleep(0.1)


def rows_of(server, table, column=False):
    """Names and rows; hidden columns too, where the server says which there are."""
    with server.connect(database="d") as connection:
        run(connection, "SET time_zone = '+00:00'")
        if column:
            run(connection, "SET pintail_route = 'column'")
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM `{table}`")
            return [c[0] for c in cursor.description], sorted(cursor.fetchall(), key=repr)


@contextlib.contextmanager
def running_pair(dialect, binary, *options):
    work = pathlib.Path(tempfile.mkdtemp(prefix="pintail-e2e-"))
    source = Upstream(dialect, work / "source", "--binlog", *options).start()
    (work / "copy").mkdir()
    copy = Server(binary, work / "copy", "--storage-duckdb-threads", "2", "--storage", "hybrid", "--mysql-host", "127.0.0.1",
                  "--mysql-port", str(source.port), "--mysql-user", "root", "--replica-retry", "100ms", "--replica-check-images",
                  "true").start()
    yield Pair(source, copy)
    copy.kill()
    source.stop()
    shutil.rmtree(work, ignore_errors=True)


@pytest.fixture(scope="module", params=["mysql", "mariadb"])
def servers(request, binary):
    """A real server and a copy of it, for all tests: starting them takes longer than these."""
    with running_pair(request.param, binary) as servers:
        yield servers


@pytest.fixture
def pair(servers):
    """With an empty database d."""
    for database in ("d", "e"):
        servers.source.query(f"DROP DATABASE IF EXISTS {database}")
    servers.source.query("CREATE DATABASE d CHARACTER SET utf8mb4")
    servers.check()
    return servers


TABLE = """CREATE TABLE t (id INT PRIMARY KEY, n INT, s VARCHAR(10) NOT NULL, e ENUM('a', 'b'), d DECIMAL(6, 2), dt DATETIME,
           tm TIME, b BLOB, f DOUBLE, u INT UNSIGNED NOT NULL, KEY (n))"""
ROWS = """INSERT INTO t VALUES (1, 10, 'x', 'a', 1.25, '2024-02-29 12:00:00', '-10:00:00', X'00FF', 0.1, 4000000000),
          (2, NULL, 'ä', NULL, NULL, NULL, NULL, NULL, NULL, 0), (3, -5, '', 'b', -9999.99, '1999-01-01', '800:00:00', '', 1e300, 7)"""

# ALTER TABLE t …: what the copy converts by itself.
CONVERTED = [
    "ADD c1 INT",
    "ADD c2 INT NOT NULL",
    "ADD c3 VARCHAR(20) NOT NULL DEFAULT 'it''s ä' FIRST",
    "ADD c4 DECIMAL(20, 4) DEFAULT 12.5 AFTER id, ADD c5 DATE DEFAULT '2024-02-29', ADD c6 DATETIME(3) DEFAULT '2024-01-01 10:00:00.125'",
    "ADD c7 ENUM('p', 'q') NOT NULL, ADD c8 SET('p', 'q') NOT NULL DEFAULT 'p,q', ADD c9 BINARY(4) NOT NULL",
    "ADD c10 TIME DEFAULT '-01:02:03', ADD c11 YEAR DEFAULT 2020, ADD c12 BIT(9) DEFAULT b'101', ADD c13 DOUBLE DEFAULT 0.1",
    "ADD c14 TEXT, ADD c19 JSON, ADD c15 VARBINARY(9) NOT NULL DEFAULT 'x', ADD c16 FLOAT NOT NULL, ADD c17 BIGINT UNSIGNED DEFAULT 18446744073709551615",
    "ADD c18 CHAR(5) CHARACTER SET latin1 COLLATE latin1_swedish_ci DEFAULT 'ä'",
    "DROP n, DROP COLUMN tm",
    "CHANGE n m INT",
    "RENAME COLUMN n TO m, RENAME COLUMN s TO n",
    "MODIFY n BIGINT",
    "MODIFY n BIGINT AFTER u, MODIFY s VARCHAR(200) NOT NULL FIRST",
    "MODIFY s VARCHAR(300) NOT NULL",
    "MODIFY e ENUM('a', 'b', 'c')",
    "MODIFY d DECIMAL(12, 2)",
    "MODIFY dt DATETIME(6), MODIFY tm TIME(3)",
    "MODIFY b LONGBLOB",
    "MODIFY u BIGINT UNSIGNED NOT NULL",
    "MODIFY u INT UNSIGNED NULL",
    "ALTER COLUMN n SET DEFAULT 7, ALTER s SET DEFAULT 'z'",
    "ADD INDEX i (s, n), DROP INDEX n",
    "ADD UNIQUE (s), COMMENT 'x', AUTO_INCREMENT = 100",
    "DROP PRIMARY KEY, ADD PRIMARY KEY (id, u)",
    "DROP PRIMARY KEY",
    "ENGINE = InnoDB",
    "DEFAULT CHARACTER SET latin1",
    "ADD CONSTRAINT k CHECK (id > 0), ADD FULLTEXT (s)",
    "RENAME TO t_new, ADD x INT DEFAULT 3",
]

# … and what has the table copied again.
COPIED = [
    "MODIFY n TINYINT",
    "MODIFY d DECIMAL(8, 1)",
    "MODIFY e ENUM('b', 'a')",
    "MODIFY dt DATE",
    "MODIFY f VARCHAR(30)",
    "MODIFY s VARCHAR(10) CHARACTER SET latin1 NOT NULL",
    "CONVERT TO CHARACTER SET latin1",
    "ADD x DATETIME DEFAULT CURRENT_TIMESTAMP",
    "ADD x INT AS (u % 10)",
    "ADD x INT AS (u % 10) STORED, ADD y INT DEFAULT 4",
    "ADD x INT NOT NULL AUTO_INCREMENT UNIQUE",
    "ADD x VARCHAR(40) DEFAULT (CONCAT('a', 'b'))",
    "PARTITION BY HASH (id) PARTITIONS 3",
]


def alter_all(pair, actions):
    """One table for each action; those that were copied again, by the action."""
    tables = [f"t{i}" for i in range(len(actions))]
    for table in tables:
        pair.script(TABLE.replace(" t ", f" {table} "), ROWS.replace(" t ", f" {table} "))
    pair.check()
    for i, action in enumerate(actions):
        pair.script(f"ALTER TABLE {tables[i]} {action}")
        tables[i] = "t_new" if "t_new" in action else tables[i]
        # Rows behind it, by the new definition.
        name = "n" if "RENAME COLUMN s" in action else "s"
        pair.script(f"UPDATE {tables[i]} SET u = u + 1 WHERE id = 2", f"DELETE FROM {tables[i]} WHERE id = 3",
                    f"INSERT INTO {tables[i]} (id, u, {name}) VALUES (40, 40, 'new')")
    pair.check()
    states = pair.states()
    return {action: states[table] for table, action in zip(tables, actions) if states[table][1] > 0}


def test_alter_converts(pair):
    assert alter_all(pair, CONVERTED) == {}


def test_alter_copies(pair):
    alter_all(pair, COPIED)


def test_tables_come_and_go(pair):
    pair.script(TABLE, ROWS, "CREATE TABLE l LIKE t", "INSERT INTO l SELECT * FROM t", "DELETE FROM l WHERE id = 1",
                "CREATE TABLE c AS SELECT id, s, d FROM t", "CREATE TABLE c2 (z INT PRIMARY KEY) SELECT id AS z, e FROM t")
    pair.check()
    assert all(copied == 0 for name, (_, copied, _) in pair.states().items() if name in ("t", "l")), pair.states()
    pair.script("RENAME TABLE t TO tmp, l TO t, tmp TO l", "INSERT INTO t (id, s, u) VALUES (77, 'only in t', 1)",
                "TRUNCATE TABLE c", "INSERT INTO c VALUES (5, 'x', 0)", "DROP TABLE c2")
    pair.check()
    pair.script("CREATE TABLE IF NOT EXISTS t (other INT)", "CREATE TABLE IF NOT EXISTS n (a INT, b VARCHAR(10))",
                "INSERT INTO n VALUES (1, 'x'), (1, 'x')", "DROP TABLE IF EXISTS nothing, c", "CREATE VIEW v AS SELECT * FROM t",
                "RENAME TABLE v TO v2", "CREATE INDEX i ON l (s)", "INSERT INTO l (id, s, u) VALUES (5, 'y', 1)", "DROP INDEX i ON l",
                "DELETE FROM n LIMIT 1")
    pair.check()
    if pair.dialect == "mariadb":
        pair.script("CREATE OR REPLACE TABLE n (x INT PRIMARY KEY)", "INSERT INTO n VALUES (1)",
                    "CREATE OR REPLACE TABLE n AS SELECT id, s FROM l", "CREATE SEQUENCE q", "DO NEXTVAL(q)",
                    "SET SESSION binlog_alter_two_phase = 1", "ALTER TABLE n ADD y INT DEFAULT 3, ALGORITHM = COPY",
                    "INSERT INTO n (id, s) VALUES (1000, 'z')")
        pair.check()
    pair.script("CREATE TEMPORARY TABLE t (x INT)", "INSERT INTO t VALUES (1)", "DROP TEMPORARY TABLE t", "DROP VIEW v2",
                "CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.n = 5", "INSERT INTO t (id, s, u) VALUES (100, 'trigger', 1)")
    pair.check()


CREATED = [
    ("(a INT, b INT AS (a + 1) STORED, c INT AS (a * 2) VIRTUAL, d INT INVISIBLE DEFAULT 4)", "(a) VALUES (1), (NULL)"),
    ("(id INT PRIMARY KEY, u VARCHAR(60) DEFAULT (CONCAT('x', 'y')), t DATETIME(3) DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE "
     "CURRENT_TIMESTAMP(3), n INT DEFAULT -5, f DOUBLE DEFAULT 1e10)", "(id) VALUES (1), (2)"),
    ("(id SERIAL, c CHAR(4), vc VARCHAR(9) CHARACTER SET latin1, tx TEXT CHARACTER SET ucs2, bi BINARY(3), vb VARBINARY(9), "
     "tb TINYBLOB, lt LONGTEXT COLLATE utf8mb4_bin, nc NCHAR(3))",
     "(c, vc, tx, bi, vb, tb, lt, nc) VALUES ('a', 'ä', '€', 'x', X'00', 'b', 'c', 'ö'), ('', '', '', '', '', '', '', '')"),
    ("(a TINYINT, b SMALLINT UNSIGNED, c MEDIUMINT, d BIGINT UNSIGNED, e DECIMAL(40, 3), f FLOAT, g DOUBLE, h BIT(11), i BOOL, y YEAR)",
     "VALUES (-128, 65535, -8388608, 18446744073709551615, 1234567890123456789012345678901234567.125, 1.5, -0.1, b'11', TRUE, 1999)"),
    ("(d DATE, t TIME(6), dt DATETIME, ts TIMESTAMP NULL, ts6 TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), KEY (d))",
     "(d, t, dt, ts) VALUES ('0000-00-00', '-838:59:59', '9999-12-31 23:59:59', '2038-01-19 03:14:07'), ('2024-00-10', NULL, NULL, NULL)"),
    ("(e ENUM('b', 'a', 'ä') COLLATE utf8mb4_bin, s SET('x', 'y'), j JSON, PRIMARY KEY (e))", "VALUES ('ä', 'x,y', '{\"a\": [1, 2.5]}'), ('a', '', NULL)"),
    ("(a VARCHAR(10) NOT NULL, b INT NOT NULL, c TEXT, UNIQUE (a, b), FULLTEXT (c)) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
     "VALUES ('a', 1, 'x'), ('a', 2, 'y'), ('B', 1, NULL)"),
    ("(a VARCHAR(10)) CHARACTER SET latin1", "VALUES ('ä'), ('ä'), (NULL)"),
    ("(id INT PRIMARY KEY, ts TIMESTAMP, ts2 TIMESTAMP)", "(id) VALUES (1)"),
    ("(id INT PRIMARY KEY, n INT) PARTITION BY HASH (id) PARTITIONS 4", "VALUES (1, 1), (2, 2), (3, 3)"),
    ("(id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES c0 (id) ON DELETE CASCADE)", None),
]


def test_created_in_the_log(pair):
    """Definitions that are read from statements, not from the server."""
    pair.script("CREATE TABLE c0 (id INT PRIMARY KEY)", "INSERT INTO c0 VALUES (1), (2)")
    for i, (columns, values) in enumerate(CREATED):
        if values is not None:
            pair.script(f"CREATE TABLE c{i + 1} {columns}", f"INSERT INTO c{i + 1} {values}", f"DELETE FROM c{i + 1} LIMIT 1",
                        f"INSERT IGNORE INTO c{i + 1} {values}")
    pair.check()
    copied = {name: state for name, state in pair.states().items() if state[1] > 0}
    assert set(copied) <= {"c9"}, copied  # what explicit_defaults_for_timestamp says is not in MariaDB's log
    with pair.source.connect(database="d", charset="latin1") as connection:
        run(connection, "CREATE TABLE `tä` (`ö` ENUM('ü', 'x') DEFAULT 'ü', b VARCHAR(9) DEFAULT 'ß')")
        run(connection, "INSERT INTO `tä` () VALUES (), ()")
        run(connection, "SET sql_mode = 'ANSI_QUOTES'")
        run(connection, 'CREATE TABLE "q" ("from" INT PRIMARY KEY)')
        run(connection, 'INSERT INTO "q" VALUES (1)')
        if pair.dialect == "mysql":
            run(connection, "SET sql_generate_invisible_primary_key = ON")
            run(connection, "CREATE TABLE hidden (a INT)")
            run(connection, "INSERT INTO hidden VALUES (1), (1), (2)")
            run(connection, "DELETE FROM hidden WHERE a = 1 LIMIT 1")
            run(connection, "SET default_collation_for_utf8mb4 = utf8mb4_general_ci")
            run(connection, "CREATE TABLE general (a VARCHAR(9)) CHARACTER SET utf8mb4")
        else:
            run(connection, "SET sql_mode = 'ORACLE'")
            run(connection, "CREATE TABLE oracle (a VARCHAR2(10), b NUMBER(5, 2))")
            run(connection, "INSERT INTO oracle VALUES ('x', 1.25)")
    pair.check()


PARENT = ["CREATE TABLE p (id INT PRIMARY KEY)", "INSERT INTO p VALUES (1), (2), (3), (4)"]
CHILD_ROWS = "INSERT INTO c VALUES (1, 1), (2, 2), (3, 2), (4, 3), (5, 4)"
# Ways to get a foreign key f of table c that cascades.
CASCADES = {
    "created": ["CREATE TABLE c (id INT PRIMARY KEY, p INT, CONSTRAINT f FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE)", CHILD_ROWS],
    "created with the column": ["CREATE TABLE c (id INT PRIMARY KEY, p INT REFERENCES p (id) ON DELETE CASCADE)", CHILD_ROWS],
    "added": ["CREATE TABLE c (id INT PRIMARY KEY, p INT)", CHILD_ROWS,
              "ALTER TABLE c ADD CONSTRAINT f FOREIGN KEY (p) REFERENCES p (id) ON UPDATE CASCADE ON DELETE SET NULL"],
}


def await_aside(pair, table):
    deadline = time.monotonic() + WAIT_SECONDS
    while pair.states().get(table, ("",))[0] != "ASIDE":
        assert time.monotonic() < deadline, pair.states()
        time.sleep(0.1)


@pytest.mark.parametrize("way", CASCADES)
def test_foreign_key_that_cascades(pair, way):
    """What the source does not log has the table set aside; else it is followed."""
    pair.script(*PARENT, *CASCADES[way], "DELETE FROM p WHERE id = 2", "UPDATE p SET id = 30 WHERE id = 1 AND (SELECT COUNT(*) FROM c) = 5")
    if pair.dialect == "mysql":
        pair.check()
    else:
        await_aside(pair, "c")
    name = [row[0] for row in pair.source.query("SELECT CONSTRAINT_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS "
                                                "WHERE CONSTRAINT_SCHEMA = 'd'")]
    pair.script(f"ALTER TABLE c DROP FOREIGN KEY {name[0]}", "INSERT INTO c VALUES (9, 9)", "DELETE FROM p")
    pair.check()


def test_cascades_that_the_source_does_not_log(binary):
    """A MySQL that could log them: innodb_native_foreign_keys. Found when a row that may have had children goes."""
    with running_pair("mysql", binary, "--innodb-native-foreign-keys=ON") as pair:
        pair.source.query("CREATE DATABASE d")
        pair.script(*PARENT, "CREATE TABLE other (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES p (id))")
        for way, statements in CASCADES.items():
            pair.script(*statements)
            pair.check()
            pair.script("SET foreign_key_checks = 0", "UPDATE p SET id = 20 WHERE id = 2", "UPDATE p SET id = 2 WHERE id = 20")
            pair.check()
            pair.script("DELETE FROM p WHERE id = 2")
            await_aside(pair, "c")
            assert "does not log" in pair.states()["c"][2], way
            assert {name: state[0] for name, state in pair.states().items() if name != "c"} == {"p": "LIVE", "other": "LIVE"}
            pair.script("DROP TABLE c", "INSERT INTO p VALUES (2)")
            pair.check()


def test_databases(pair):
    pair.script("CREATE DATABASE e CHARACTER SET latin1", "CREATE TABLE e.t (id INT PRIMARY KEY, s VARCHAR(9))",
                "INSERT INTO e.t VALUES (1, 'ä')", "RENAME TABLE e.t TO d.from_e", "INSERT INTO from_e VALUES (2, 'ö')",
                "CREATE TABLE e.u (id INT)", "DROP DATABASE e", "CREATE DATABASE e", "CREATE TABLE e.t (id INT)", "INSERT INTO e.t VALUES (9)",
                "ALTER DATABASE d CHARACTER SET latin1", "CREATE TABLE l (id INT PRIMARY KEY, s VARCHAR(9))", "INSERT INTO l VALUES (1, 'ü')")
    pair.check()
    with pair.copy.connect() as connection:
        run(connection, "SET pintail_route = 'column'")
        assert list(run(connection, "SELECT * FROM e.t")) == [(9,)]


def test_partitions_exchanged(pair):
    pair.script("CREATE TABLE p (id INT PRIMARY KEY, n INT) PARTITION BY RANGE (id) (PARTITION a VALUES LESS THAN (10), "
                "PARTITION b VALUES LESS THAN (20))",
                "CREATE TABLE x (id INT PRIMARY KEY, n INT)", "INSERT INTO p VALUES (1, 1), (11, 11)", "INSERT INTO x VALUES (2, 2)")
    pair.check()
    pair.script("ALTER TABLE p EXCHANGE PARTITION a WITH TABLE x", "INSERT INTO x VALUES (3, 3)")
    pair.check()
    pair.script("ALTER TABLE p TRUNCATE PARTITION b", "INSERT INTO p VALUES (12, 12)", "ALTER TABLE p DROP PARTITION a")
    pair.check()


def test_partitions_made_anew(pair):
    """What moves rows between partitions leaves the table as it is, and what repairs it."""
    pair.script("CREATE TABLE p (id INT PRIMARY KEY, n INT) PARTITION BY RANGE (id) (PARTITION a VALUES LESS THAN (10), "
                "PARTITION b VALUES LESS THAN (20))", "INSERT INTO p VALUES (1, 1), (11, 11)",
                "ALTER TABLE p REORGANIZE PARTITION b INTO (PARTITION b1 VALUES LESS THAN (15), PARTITION b2 VALUES LESS THAN (20))",
                "ALTER TABLE p ADD PARTITION (PARTITION c VALUES LESS THAN (30))", "INSERT INTO p VALUES (25, 25)",
                "ALTER TABLE p REMOVE PARTITIONING", "INSERT INTO p VALUES (100, 100)",
                "CREATE TABLE h (id INT PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 4", "INSERT INTO h VALUES (1), (2), (3)",
                "ALTER TABLE h COALESCE PARTITION 2", "INSERT INTO h VALUES (4)", "ALTER TABLE h REBUILD PARTITION ALL",
                "ANALYZE TABLE h", "OPTIMIZE TABLE h", "ALTER TABLE h ANALYZE PARTITION ALL", "INSERT INTO h VALUES (5)")
    pair.check()


def test_tablespace_imported(pair):
    """Rows that no event has told."""
    pair.script("CREATE TABLE ts (id INT PRIMARY KEY, v INT)", "INSERT INTO ts VALUES (1, 1), (2, 2)")
    pair.check()
    data = next(pair.source.work.rglob("ts.ibd")).parent
    with pair.source.connect(database="d") as connection:
        run(connection, "FLUSH TABLES ts FOR EXPORT")
        kept = [shutil.copy(path, pair.source.work) for path in (data / "ts.ibd", data / "ts.cfg")]
        run(connection, "UNLOCK TABLES")
    pair.script("DELETE FROM ts", "ALTER TABLE ts DISCARD TABLESPACE")
    for path in kept:
        shutil.chown(shutil.copy(path, data), data.owner())
    pair.script("ALTER TABLE ts IMPORT TABLESPACE", "UPDATE ts SET v = 7 WHERE id = 2")
    pair.check()


def test_kills_around(pair):
    """Half of a statement is never seen again, nor carried out twice."""
    pair.script(TABLE, ROWS)
    pair.check()
    for i in range(8):
        pair.script(f"ALTER TABLE t ADD k{i} INT NOT NULL DEFAULT {i}", f"INSERT INTO t (id, s, u) VALUES ({100 + i}, 'k', {i})",
                    f"CREATE TABLE k{i} (id INT PRIMARY KEY, s TEXT)", f"INSERT INTO k{i} VALUES (1, 'x')",
                    f"RENAME TABLE k{i} TO r{i}", f"TRUNCATE TABLE r{i}", f"INSERT INTO r{i} VALUES (2, 'y')", f"UPDATE t SET n = {i} WHERE id = 1")
        time.sleep(0.03 * i)
        pair.copy.kill()
        if i % 2:
            pair.script(f"ALTER TABLE t DROP k{i}, MODIFY n {['INT', 'BIGINT'][i // 2 % 2]}", f"DROP TABLE r{i - 1}")
        pair.copy.start()
    pair.check()
