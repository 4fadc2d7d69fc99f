"""Prepared SELECTs keep their resolved tree: each execution must answer as the same text would, whatever has changed."""

import pymysql
import pytest
from conftest import error_of, run


def execute(connection, values):
    for i, value in enumerate(values):
        run(connection, f"SET @p{i} = {value}")
    using = " USING " + ", ".join(f"@p{i}" for i in range(len(values))) if values else ""
    with connection.cursor() as cursor:
        cursor.execute("EXECUTE s" + using)
        return describe(cursor)


def describe(cursor):
    """Columns (name, type, length, decimals, flags) and rows of an answer."""
    fields = [(f.name, f.type_code, f.length, f.scale, f.flags, f.charsetnr) for f in cursor._result.fields]
    return fields, cursor.fetchall()


def prepare(connection, text):
    quoted = text.replace("'", "''")
    run(connection, f"PREPARE s FROM '{quoted}'")


def check(connection, text, values):
    """EXECUTE of what was prepared from text gives what a new statement gives."""
    answer = execute(connection, values)
    run(connection, "PREPARE fresh FROM '{}'".format(text.replace("'", "''")))
    with connection.cursor() as cursor:
        using = " USING " + ", ".join(f"@p{i}" for i in range(len(values))) if values else ""
        cursor.execute("EXECUTE fresh" + using)
        assert answer == describe(cursor), (text, values)
    return answer[1]


VALUES = ["1", "22", "333", "-5", "NULL", "'x'", "'xyz'", "1.5", "12.25", "1e3", "18446744073709551615", "'1'", "2"]


@pytest.fixture
def filled(db, session):
    connection = session()
    run(connection, "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(20), d DECIMAL(10,2), day DATE)")
    run(connection, "INSERT INTO t VALUES (1,'x',1.5,'2020-01-01'),(2,'xyz',12.25,'2021-02-03'),(22,'1',NULL,NULL),"
                    "(333,NULL,-5,'1999-12-31')")
    return connection


@pytest.mark.parametrize("text", [
    "SELECT ?",
    "SELECT ? + 1 AS a, ? AS b",
    "SELECT id, ? FROM t ORDER BY id",
    "SELECT id, ? FROM t",
    "SELECT id FROM t WHERE id = ? ORDER BY id",
    "SELECT id FROM t WHERE name = ? OR d < ? ORDER BY id",
    "SELECT id FROM t WHERE id IN (?, 22) AND NOT d BETWEEN ? AND 10 ORDER BY id",
    "SELECT DISTINCT ? FROM t",
    "SELECT ?, COUNT(*) FROM t GROUP BY 1",
    "SELECT COUNT(*) FROM t WHERE id > ? HAVING COUNT(*) > ?",
    "SELECT IFNULL(name, ?) c FROM t WHERE id < ? ORDER BY c",
    "SELECT ROUND(d, ?) FROM t ORDER BY id",
    "SELECT (SELECT MAX(id) FROM t WHERE id < ?) m, id FROM t WHERE EXISTS (SELECT 1 FROM t u WHERE u.id = ?)",
])
def test_values_and_types_change(filled, text):
    prepare(filled, text)
    count = text.count("?")
    for i in range(len(VALUES)):
        values = [VALUES[(i * (k + 1) + k) % len(VALUES)] for k in range(count)]
        try:
            check(filled, text, values)
        except pymysql.MySQLError as e:
            assert e.args[0] in (1690, 1264, 1292, 1365, 1235), (values, e)
    for value in ("7", "8", "9"):
        check(filled, text, [value] * count)


def test_limit(filled):
    prepare(filled, "SELECT id FROM t ORDER BY id LIMIT ?")
    for n in (1, 3, 2, 2, 0, 4):
        assert len(execute(filled, [n])[1]) == n


@pytest.mark.parametrize("text, setting", [
    ("SELECT 7 / 3, d / 3 FROM t WHERE id = 1", "div_precision_increment = 8"),
    ("SELECT 'a' = 'A', CONCAT('a')", "collation_connection = utf8mb4_bin"),
    ("SELECT 'a' || 'b', 1 || 0", "sql_mode = 'PIPES_AS_CONCAT'"),
    ("SELECT \"name\" FROM t ORDER BY id", "sql_mode = 'ANSI_QUOTES'"),
    ("SELECT name, COUNT(*) FROM t WHERE id = 1 GROUP BY id", "sql_mode = ''"),
    ("SELECT id FROM t ORDER BY id", "sql_select_limit = 2"),
    ("SELECT GROUP_CONCAT(name ORDER BY id) FROM t", "group_concat_max_len = 4"),
    ("SELECT CAST('2020-01-01 00:00:00' AS DATETIME), FROM_UNIXTIME(0)", "time_zone = '+05:30'"),
    ("SELECT @v, @v + 1", "@v = 'text'"),
    ("SELECT @@sql_mode, @@session.sql_select_limit", "sql_mode = 'STRICT_TRANS_TABLES'"),
])
def test_session_changes(filled, text, setting):
    run(filled, "SET @v = 1")
    prepare(filled, text)
    before = check(filled, text, [])
    run(filled, "SET " + setting)
    after = check(filled, text, [])
    assert before != after or "CAST" not in text
    check(filled, text, [])


def test_current_database_changes(filled, db):
    run(filled, "CREATE DATABASE prepared_other")
    try:
        run(filled, "CREATE TABLE prepared_other.t (id INT PRIMARY KEY, other INT)")
        prepare(filled, "SELECT * FROM t WHERE id = ?")
        assert check(filled, "SELECT * FROM t WHERE id = ?", [1])[0][1] == "x"
        run(filled, "USE prepared_other")
        assert check(filled, "SELECT * FROM t WHERE id = ?", [1]) == ()
    finally:
        run(filled, "DROP DATABASE prepared_other")


def test_table_changes(filled):
    text = "SELECT * FROM t WHERE id = ?"
    prepare(filled, text)
    for change in ("ALTER TABLE t ADD COLUMN more INT DEFAULT 5", "ALTER TABLE t MODIFY id BIGINT",
                   "ALTER TABLE t RENAME COLUMN name TO other", "ALTER TABLE t DROP COLUMN d"):
        check(filled, text, [1])
        run(filled, change)
        assert len(check(filled, text, [1])) == 1
    run(filled, "DROP TABLE t")
    assert error_of(filled, "EXECUTE s USING @p0") == 1146
    run(filled, "CREATE TABLE t (id VARCHAR(3))")
    run(filled, "INSERT INTO t VALUES ('1')")
    assert check(filled, text, [1]) == (("1",),)
    assert check(filled, text, [2]) == ()


def test_privileges_change(filled, server, db):
    run(filled, "CREATE USER prepared_user")
    try:
        run(filled, f"GRANT SELECT ON {db}.t TO prepared_user")
        with server.connect(user="prepared_user", database=db) as user:
            prepare(user, "SELECT name FROM t WHERE id = ?")
            assert execute(user, [1])[1] == (("x",),)
            run(filled, f"REVOKE SELECT ON {db}.t FROM prepared_user")
            assert error_of(user, "EXECUTE s USING @p0") == 1142
            run(filled, f"GRANT SELECT (name) ON {db}.t TO prepared_user")
            assert error_of(user, "EXECUTE s USING @p0") == 1143
            run(filled, f"GRANT SELECT (id) ON {db}.t TO prepared_user")
            assert execute(user, [2])[1] == (("xyz",),)
    finally:
        run(filled, "DROP USER prepared_user")


def test_transactions_and_errors(filled, session):
    other = session()
    prepare(filled, "SELECT COUNT(*) FROM t WHERE id > ?")
    assert execute(filled, [0])[1] == ((4,),)
    run(filled, "BEGIN")
    assert execute(filled, [0])[1] == ((4,),)
    run(other, "DELETE FROM t WHERE id = 1")
    assert execute(filled, [0])[1] == ((4,),)
    run(filled, "COMMIT")
    assert execute(filled, [0])[1] == ((3,),)
    prepare(filled, "SELECT id, (SELECT u.id FROM t u WHERE u.id >= ?) FROM t")
    for _ in range(2):
        run(filled, "SET @p0 = 1")
        assert error_of(filled, "EXECUTE s USING @p0") == 1242
        assert len(execute(filled, [333])[1]) == 3
