"""Columns of every type through inserts, updates and deletes in every form of row images: the copy has what the server has."""

import threading

import pytest
from conftest import Server, Upstream, run
from test_replica import column, make_replica, tables, wait_for, wait_live

# Servers, by their names in tests/servers or as conftest chooses one of a family.
SERVERS = ["mysql", "mariadb", "mariadb105", "mariadb118"]

# Column, values: the first two are inserted, the third replaces the first.
COMMON = [
    ("TINYINT", "-128", "127", "0"), ("SMALLINT UNSIGNED", "65535", "NULL", "1"), ("MEDIUMINT", "-8388608", "8388607", "NULL"),
    ("INT", "-2147483648", "NULL", "2147483647"), ("BIGINT UNSIGNED", "18446744073709551615", "0", "9223372036854775808"),
    ("DECIMAL(65,30)", "99999999999999999999999999999999999.999999999999999999999999999999", "NULL", "-0.000000000000000000000000000001"),
    ("DECIMAL(10,2) UNSIGNED", "99999999.99", "NULL", "0.01"), ("DECIMAL(38,10)", "-1234567890123456789012345678.0123456789", "0", "NULL"),
    ("FLOAT", "16777216", "NULL", "-1.5e-30"), ("DOUBLE", "1.7976931348623157e308", "NULL", "0.1"),
    ("BIT(1)", "b'1'", "NULL", "b'0'"), ("BIT(64)", "b'1000000000000000000000000000000000000000000000000000000000000001'", "NULL", "5"),
    ("DATE", "'9999-12-31'", "NULL", "'1000-01-01'"), ("DATETIME", "'9999-12-31 23:59:59'", "NULL", "'1000-01-01 00:00:00'"),
    ("DATETIME(6)", "'2024-02-29 12:34:56.789012'", "NULL", "'1000-01-01 00:00:00.000001'"),
    ("TIMESTAMP NULL", "'2038-01-19 03:14:07'", "NULL", "'1970-01-01 00:00:01'"),
    ("TIMESTAMP(3) NULL", "'2024-10-27 00:30:00.125'", "NULL", "'2000-01-01 00:00:00.999'"),
    ("TIME", "'-838:59:59'", "NULL", "'838:59:59'"), ("TIME(6)", "'-00:00:00.000001'", "NULL", "'838:59:58.999999'"),
    ("YEAR", "1901", "NULL", "2155"), ("CHAR(10)", "'söß'", "''", "'0123456789'"), ("VARCHAR(20)", "'日本語'", "NULL", "''"),
    ("CHAR(200) CHARACTER SET utf8mb4", "REPEAT('日', 200)", "''", "'x'"), ("VARCHAR(300) CHARACTER SET latin1", "'éü'", "NULL", "REPEAT('ÿ', 300)"),
    ("VARCHAR(20) CHARACTER SET cp1251", "'Ж№'", "NULL", "'a'"), ("VARCHAR(20) CHARACTER SET latin2", "'łš'", "NULL", "'b'"),
    ("VARCHAR(20) CHARACTER SET utf16 COLLATE utf16_bin", "'中😀'", "NULL", "'c'"), ("VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin", "'A'", "NULL", "'a'"),
    ("TINYTEXT", "REPEAT('t', 255)", "NULL", "'u'"), ("TEXT", "REPEAT('ä', 9000)", "NULL", "''"), ("MEDIUMTEXT", "REPEAT('m', 70000)", "NULL", "'n'"),
    ("LONGTEXT CHARACTER SET koi8r COLLATE koi8r_bin", "'привет'", "NULL", "'пока'"), ("BINARY(5)", "x'0001'", "NULL", "x'ff00ff00ff'"),
    ("VARBINARY(300)", "x'00ff00'", "x''", "REPEAT(x'00', 300)"), ("TINYBLOB", "x'00'", "NULL", "x'ff'"), ("BLOB", "REPEAT(x'ab', 9000)", "NULL", "x''"),
    ("LONGBLOB", "REPEAT(x'00', 70000)", "NULL", "x'01'"), ("ENUM('a','ß','c,d')", "'ß'", "NULL", "'c,d'"), ("SET('a','b','ç')", "'a,ç'", "''", "'b'"),
    ("JSON", """'{"a": [1, 2, {"b": null}], "c": "ü"}'""", "NULL", "'[]'"), ("INT GENERATED ALWAYS AS (id * 2) STORED",),
    ("INT GENERATED ALWAYS AS (id + 1) VIRTUAL",), ("INT NOT NULL DEFAULT 7", "DEFAULT", "8", "9"),
    ("VARCHAR(10) NOT NULL DEFAULT 'dé'", "DEFAULT", "'x'", "DEFAULT"), ("DATETIME DEFAULT CURRENT_TIMESTAMP", "DEFAULT", "NULL", "'2020-01-01'"),
    ("INT INVISIBLE", "NULL", "1", "2"),
]
OWN_MARIADB = [("TEXT COMPRESSED", "REPEAT('c', 2000)", "NULL", "'d'")]
OWN = {
    "mysql": [("INT DEFAULT (1 + 1)", "DEFAULT", "NULL", "3")],
    "mariadb": OWN_MARIADB,
    "mariadb105": OWN_MARIADB,
    "mariadb118": [*OWN_MARIADB, ("TIMESTAMP NULL", "'2106-02-07 06:28:15'", "NULL", "'2038-01-19 03:14:08'"),
                   ("TIMESTAMP(6) NULL", "'2106-02-07 06:28:15.999999'", "NULL", "'2038-01-19 03:14:07.999999'")],
}
# Tables with such columns are not copied.
REFUSED = {"mysql": ["GEOMETRY", "POINT SRID 4326", "VECTOR(3)"], "mariadb": ["GEOMETRY", "UUID", "INET6"],
           "mariadb105": ["GEOMETRY", "INET6"], "mariadb118": ["GEOMETRY", "UUID", "INET4", "INET6", "VECTOR(3)"]}
JSON = next(f"c{i}" for i, c in enumerate(COMMON) if c[0] == "JSON")
# What MariaDB may be followed with: its images must be whole.
FORMS_MARIADB = ["binlog_row_image = FULL", "binlog_row_image = FULL, GLOBAL log_bin_compress = ON"]
FORMS = {
    "mysql": ["binlog_row_image = FULL", "binlog_row_image = MINIMAL", "binlog_row_image = NOBLOB",
              "binlog_row_image = FULL, binlog_row_value_options = PARTIAL_JSON",
              "binlog_row_image = FULL, binlog_transaction_compression = ON",
              "binlog_row_image = MINIMAL, binlog_transaction_compression = ON",
              "binlog_row_image = NOBLOB, binlog_transaction_compression = ON"],
    "mariadb": FORMS_MARIADB, "mariadb105": FORMS_MARIADB, "mariadb118": FORMS_MARIADB,
}
FORM_IDS = [(kind, form) for kind in SERVERS for form in FORMS[kind]]
# The type of an event in each server's log when the form compresses it.
COMPRESSED_EVENTS = {"mysql": "Transaction_payload", "mariadb": "Update_rows_compressed_v1"}


def family(kind):
    return "mysql" if kind == "mysql" else "mariadb"


@pytest.fixture(scope="module")
def pairs(shared_work, binary):
    """A source and a Pintail that copies it, by kind, made when they are asked for."""
    made = {}

    def get(kind):
        if kind not in made:
            source = Upstream(kind, shared_work / f"types-{kind}", "--binlog").start()
            made[kind] = (source, None)
            source.run("CREATE USER own IDENTIFIED BY 'opw'; GRANT ALL ON *.* TO own; CREATE DATABASE shop")
            directory = shared_work / f"types-copy-{kind}"
            directory.mkdir()
            server = make_replica(lambda *options, **_: Server(binary, directory, "--storage-duckdb-threads", "2", *options), source)
            made[kind] = (source, server.start())
        return made[kind]

    yield get
    for source, server in made.values():
        if server is not None:
            server.stop()
        source.stop()


@pytest.fixture
def pair(request, pairs):
    return pairs(request.param)


def columns_of(kind):
    return [(f"c{i}", *c) for i, c in enumerate(COMMON + OWN[kind])]


def create(source, name, key):
    body = ", ".join(f"{c[0]} {c[1]}" for c in columns_of(source.dialect))
    source.run(f"DROP TABLE IF EXISTS shop.{name}")
    with source.connect() as connection:
        run(connection, f"CREATE TABLE shop.{name} (id INT NOT NULL, {body}{key}) CHARACTER SET utf8mb4")


def insert(kind, name, number, which):
    given = [c for c in columns_of(kind) if len(c) > 2]
    return (f"INSERT INTO shop.{name} (id, {', '.join(c[0] for c in given)}) VALUES "
            f"({number}, {', '.join(c[which] for c in given)})")


def changes(kind, name, keyed):
    """Statements in groups, each a transaction."""
    given = [c for c in columns_of(kind) if len(c) > 2]
    yield [insert(kind, name, 1, 2), insert(kind, name, 2, 3), insert(kind, name, 3, 4), f"INSERT INTO shop.{name} (id) VALUES (4)"]
    for c in given:  # One column at a time: a partial image lacks all others.
        yield [f"UPDATE shop.{name} SET {c[0]} = {c[4]} WHERE id = 1"]
    # Many columns of one row, one by one, and its key: all within a transaction.
    yield [f"UPDATE shop.{name} SET {c[0]} = {c[2]} WHERE id = 2" for c in given] + [f"UPDATE shop.{name} SET id = 20 WHERE id = 2"]
    yield [insert(kind, name, 5, 2), f"UPDATE shop.{name} SET c0 = 1 WHERE id = 5", f"UPDATE shop.{name} SET id = 6 WHERE id = 5",
           f"UPDATE shop.{name} SET c3 = 2 WHERE id = 6", f"DELETE FROM shop.{name} WHERE id = 4"]
    yield [f"UPDATE shop.{name} SET id = 9 WHERE id = 1", f"UPDATE shop.{name} SET id = 1, c0 = 3 WHERE id = 3",
           f"UPDATE shop.{name} SET id = 3, c1 = 4 WHERE id = 9", f"UPDATE shop.{name} SET {JSON} = '[1]' WHERE id = 1"]
    if keyed:
        yield [f"REPLACE INTO shop.{name} (id, c0) VALUES (3, 5), (30, 6)",
               f"INSERT INTO shop.{name} (id, c0) VALUES (3, 1) ON DUPLICATE KEY UPDATE c3 = 77"]
    # Taken back, wholly and in part.
    yield ["SAVEPOINT a", f"UPDATE shop.{name} SET c0 = 50 WHERE id = 6", "SAVEPOINT b", f"UPDATE shop.{name} SET c3 = 51 WHERE id = 6",
           "ROLLBACK TO b", f"UPDATE shop.{name} SET c1 = 52 WHERE id = 6"]
    if kind == "mysql":
        yield [f"UPDATE shop.{name} SET {JSON} = JSON_SET({JSON}, '$.a[1]', 'new', '$.d', 5) WHERE id = 20",
               f"UPDATE shop.{name} SET {JSON} = JSON_REMOVE({JSON}, '$.c') WHERE id = 20",
               f"UPDATE shop.{name} SET {JSON} = JSON_REPLACE({JSON}, '$.a', 1.5) WHERE id = 6"]
    yield [f"INSERT INTO shop.{name} (id) VALUES (60)", f"DELETE FROM shop.{name} WHERE id = 60"]


def events_of(source):
    """Types of the events in the log that is written to."""
    with source.connect() as connection:
        log = run(connection, "SHOW BINARY LOGS")[-1][0]
        return {row[2] for row in run(connection, f"SHOW BINLOG EVENTS IN '{log}'")}


def play(source, form, groups):
    with source.connect() as connection:
        # One variable at a time, as MariaDB has not all of them.
        for setting in form.split(", "):
            run(connection, f"SET {setting}")
        for statements in groups:
            run(connection, "START TRANSACTION")
            for sql in statements:
                run(connection, sql)
            run(connection, "COMMIT")


def assert_equal(source, server, name):
    wanted = [c[0] for c in columns_of(source.dialect)]
    with column(server) as connection, source.connect() as direct:
        run(connection, "SET pintail_freshness = strong")
        for c in ["id", *wanted]:
            sql = f"SELECT id, {c} FROM shop.{name} ORDER BY id"
            assert run(connection, sql) == run(direct, sql), c
        checked = run(connection, f"PINTAIL VERIFY TABLE shop.{name}")
        assert [row[3] for row in checked if row[2] == "status"] == ["OK"], checked


@pytest.fixture
def settings_again(pair):
    """What a form sets for the whole server is taken back."""
    yield
    source = pair[0]
    if family(source.dialect) == "mariadb":
        source.run("SET GLOBAL log_bin_compress = OFF")


@pytest.mark.parametrize("pair,form", FORM_IDS, indirect=["pair"])
def test_every_type(pair, form, settings_again):
    source, server = pair
    source.run("FLUSH BINARY LOGS")
    for name, key in (("keyed", ", PRIMARY KEY (id)"), ("named", ", UNIQUE KEY (id)"), ("heap", "")):
        create(source, name, key)
        play(source, form, changes(source.dialect, name, key != ""))
        wait_live(server, [name])
        assert_equal(source, server, name)
    assert (COMPRESSED_EVENTS[family(source.dialect)] in events_of(source)) == ("compress" in form)


@pytest.mark.parametrize("pair", SERVERS, indirect=True)
def test_types_that_are_not_copied(pair):
    source, server = pair
    names = [f"refused{i}" for i, _ in enumerate(REFUSED[source.dialect])]
    for name, kind in zip(names, REFUSED[source.dialect]):
        source.run(f"CREATE TABLE shop.{name} (id INT PRIMARY KEY, v {kind}); INSERT INTO shop.{name} (id) VALUES (1)")
    source.run("CREATE TABLE shop.taken (id INT PRIMARY KEY); INSERT INTO shop.taken VALUES (1)")
    wait_live(server, ["taken"])
    wait_for(lambda: all(tables(server)[name][0] == "aside" for name in names), lambda: tables(server))
    assert all(tables(server)[name][1] for name in names)


@pytest.mark.parametrize("pair", ["mysql"], indirect=True)
def test_parts_of_documents_without_the_whole(pair):
    """Differences to a document that is not in the log cannot be applied: the table is set aside, and says why."""
    source, server = pair
    source.run("CREATE TABLE shop.documents (id INT PRIMARY KEY, j JSON); CREATE TABLE shop.other (id INT PRIMARY KEY)")
    play(source, "binlog_row_image = MINIMAL, binlog_row_value_options = PARTIAL_JSON",
         [["""INSERT INTO shop.documents VALUES (1, '{"a": "a long enough text to be worth a difference", "b": 1}')"""],
          ["UPDATE shop.documents SET j = JSON_SET(j, '$.b', 2)"], ["INSERT INTO shop.other VALUES (1)"]])
    wait_for(lambda: tables(server).get("documents", ("",))[0] == "aside", lambda: (tables(server), server.log_text()[-2000:]))
    assert "binlog_row_value_options" in tables(server)["documents"][1]
    assert tables(server)["other"][0] == "live"


# FULL_NODUP, since 11.4: whole before, what has changed after, but not the virtual columns that change with it.
@pytest.mark.parametrize("pair,image", [(kind, image) for kind in SERVERS[1:] for image in ("MINIMAL", "NOBLOB")] + [("mariadb118", "FULL_NODUP")],
                         indirect=["pair"])
def test_images_that_do_not_tell_all(pair, image):
    """MariaDB does not log all that a REPLACE changes: a table with such an update is set aside, the others go on."""
    source, server = pair
    source.run(f"CREATE TABLE shop.part_{image} (id INT PRIMARY KEY, a INT, b TEXT); CREATE TABLE shop.whole_{image} (id INT PRIMARY KEY)")
    play(source, f"binlog_row_image = {image}",
         [[f"INSERT INTO shop.part_{image} VALUES (1, 1, 'b'), (2, 2, 'c')"], [f"DELETE FROM shop.part_{image} WHERE id = 2"],
          [f"UPDATE shop.part_{image} SET a = 2"], [f"INSERT INTO shop.whole_{image} VALUES (1)"]])
    wait_for(lambda: tables(server).get(f"part_{image}", ("",))[0] == "aside", lambda: (tables(server), server.log_text()[-2000:]))
    assert "binlog_row_image" in tables(server)[f"part_{image}"][1]
    wait_live(server, [f"whole_{image}"])


@pytest.mark.parametrize("pair", ["mysql"], indirect=True)
def test_parts_of_rows_while_a_table_is_copied(pair):
    """Rows that are not read yet are updated all the time, the same ones again and again: the snapshot ends, and is exact."""
    source, server = pair
    source.run("CREATE TABLE shop.big (id INT PRIMARY KEY, a INT, b VARCHAR(30), c TEXT); SET cte_max_recursion_depth = 100000;"
               "INSERT INTO shop.big WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)"
               " SELECT i, i, 'x', REPEAT('y', 100) FROM n")
    wait_live(server, ["big"])
    stop = threading.Event()

    def write():
        with source.connect() as connection:
            run(connection, "SET binlog_row_image = MINIMAL")
            i = 0
            while not stop.is_set():
                i += 1
                run(connection, f"UPDATE shop.big SET a = {i} WHERE id > 59990")
                run(connection, f"UPDATE shop.big SET b = {'NULL' if i % 3 == 0 else i} WHERE id IN ({i * 7919 % 60000}, {60000 - i % 5})")
                run(connection, f"DELETE FROM shop.big WHERE id = {i * 104729 % 60000}")
                run(connection, f"INSERT IGNORE INTO shop.big VALUES ({i * 104729 % 60000}, 0, 'new', NULL)")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(2):
            with column(server) as connection:
                run(connection, "PINTAIL COPY TABLE shop.big")
            wait_live(server, ["big"])
    finally:
        stop.set()
        writer.join()
    with column(server) as connection:
        checked = run(connection, "PINTAIL VERIFY TABLE shop.big")
        assert [row[3] for row in checked if row[2] == "status"] == ["OK"], checked
    assert "table is copied again" not in server.log_text()


@pytest.mark.parametrize("pair", ["mysql"], indirect=True)
def test_a_part_of_a_row_that_moves_while_its_table_is_copied(pair):
    """It may come to lie where the snapshot has been, which begins again."""
    source, server = pair
    source.run("CREATE TABLE shop.moved (id INT PRIMARY KEY, a INT); SET cte_max_recursion_depth = 100000;"
               "INSERT INTO shop.moved WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000) SELECT i, i FROM n")
    wait_live(server, ["moved"])
    with column(server) as connection:
        run(connection, "PINTAIL COPY TABLE shop.moved")
    play(source, "binlog_row_image = MINIMAL", [[f"UPDATE shop.moved SET id = {-i} WHERE id = {60000 - i}"] for i in range(1, 6)])
    wait_live(server, ["moved"])
    with column(server) as connection:
        checked = run(connection, "PINTAIL VERIFY TABLE shop.moved")
        assert [row[3] for row in checked if row[2] == "status"] == ["OK"], checked
