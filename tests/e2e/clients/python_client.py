"""PyMySQL and mysqlclient (MySQLdb): the DB-API twice. Neither has server-side prepared statements: `prepared` is done with
PREPARE and EXECUTE."""

import importlib
import os
import sys
from decimal import Decimal

module = importlib.import_module(sys.argv[1])
env = os.environ
UNICODE = "Grüße, 世界 😀"


def connect():
    options = dict(host=env["E2E_HOST"], port=int(env["E2E_PORT"]), user=env["E2E_USER"], password=env["E2E_PASSWORD"],
                   database=env["E2E_DB"], charset="utf8mb4")
    if module.__name__ == "pymysql":
        options["local_infile"] = True
        if env["E2E_TLS"] == "1":
            options["ssl"] = {"check_hostname": False}
        else:
            options["ssl_disabled"] = True
        # The client library of PyMySQL takes passwords in latin1 only where they are not bytes.
        options["password"] = env["E2E_PASSWORD"].encode()
    else:
        options["local_infile"] = 1
        if env["E2E_TLS"] == "1":
            options["ssl"] = {"cipher": "ALL"}
    connection = module.connect(**options)
    connection.autocommit(True)
    return connection


def rows(connection, sql, args=None):
    cursor = connection.cursor()
    cursor.execute(sql, args)
    result = cursor.fetchall()
    cursor.close()
    return [tuple(row) for row in result]


def expect(got, wanted):
    if got != wanted:
        raise AssertionError(f"{got!r} instead of {wanted!r}")


def check_connect(c):
    expect(rows(c, "SELECT CURRENT_USER()")[0][0].split("@")[0], env["E2E_USER"])


def check_tls(c):
    expect(rows(c, "SHOW STATUS LIKE 'Ssl_cipher'")[0][1] != "", env["E2E_TLS"] == "1")


def check_text(c):
    rows(c, "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(50), price DECIMAL(10,2))")
    rows(c, "INSERT INTO t VALUES (1, 'text', 1.50)")
    expect(rows(c, "SELECT * FROM t"), [(1, "text", Decimal("1.50"))])


def check_prepared(c):
    rows(c, "PREPARE ins FROM 'INSERT INTO t VALUES (?, ?, ?)'")
    rows(c, "SET @id = 2, @name = 'prepared', @price = 2.25")
    rows(c, "EXECUTE ins USING @id, @name, @price")
    rows(c, "PREPARE sel FROM 'SELECT * FROM t WHERE id = ?'")
    expect(rows(c, "EXECUTE sel USING @id"), [(2, "prepared", Decimal("2.25"))])
    rows(c, "DEALLOCATE PREPARE sel")


def check_commit(c):
    c.autocommit(False)
    rows(c, "INSERT INTO t VALUES (%s, %s, %s)", (3, "commit", None))
    c.commit()
    expect(rows(c, "SELECT COUNT(*) FROM t WHERE id = 3"), [(1,)])


def check_rollback(c):
    rows(c, "INSERT INTO t VALUES (4, 'rollback', NULL)")
    expect(rows(c, "SELECT COUNT(*) FROM t WHERE id = 4"), [(1,)])
    c.rollback()
    expect(rows(c, "SELECT COUNT(*) FROM t WHERE id = 4"), [(0,)])
    c.commit()
    c.autocommit(True)


def check_large(c):
    cursors = importlib.import_module(module.__name__ + ".cursors")
    for kind in (cursors.Cursor, cursors.SSCursor):
        cursor = c.cursor(kind)
        cursor.execute("SELECT id, name FROM shared.large")
        count = total = 0
        for row in cursor:
            count += 1
            total += row[0]
        cursor.close()
        expect((count, total), (100000, 5000050000))


def check_unicode(c):
    rows(c, "INSERT INTO t VALUES (%s, %s, NULL)", (5, UNICODE))
    expect(rows(c, "SELECT name, CHAR_LENGTH(name) FROM t WHERE name = %s", (UNICODE,)), [(UNICODE, len(UNICODE))])


def check_null(c):
    rows(c, "INSERT INTO t VALUES (%s, %s, %s)", (6, None, None))
    expect(rows(c, "SELECT name, price FROM t WHERE id = %s", (6,)), [(None, None)])


def check_duplicate(c):
    try:
        rows(c, "INSERT INTO t VALUES (1, 'again', 0)")
    except module.IntegrityError as e:
        expect(e.args[0], 1062)
        return
    raise AssertionError("no error")


def check_load(c):
    rows(c, "CREATE TABLE l (id INT, name VARCHAR(20))")
    rows(c, f"LOAD DATA LOCAL INFILE '{env['E2E_FILE']}' INTO TABLE l CHARACTER SET utf8mb4")
    expect(rows(c, "SELECT * FROM l ORDER BY id"), [(1, "eins"), (2, "zwei ß"), (3, None)])


def check_again(c):
    c.close()
    second = connect()
    expect(rows(second, "SELECT 40 + 2"), [(42,)])
    second.close()


def main():
    connection = connect()
    status = 0
    for check in (check_connect, check_tls, check_text, check_prepared, check_commit, check_rollback, check_large,
                  check_unicode, check_null, check_duplicate, check_load, check_again):
        name = check.__name__[len("check_"):]
        try:
            check(connection)
            print("ok", name, flush=True)
        except Exception as e:  # any failure is the check's
            print(f"FAIL {name}: {type(e).__name__} {e}", flush=True)
            status = 1
    return status


sys.exit(main())
