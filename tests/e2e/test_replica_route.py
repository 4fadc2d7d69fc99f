"""Reads of the copy within passthrough sessions (SET pintail_route = column): they answer as the upstream does, for the same
users, under the same settings, and as of what the session has written."""

import importlib.machinery
import importlib.util
import os
import struct
import subprocess
import threading
import time

import pymysql
import pytest
from conftest import ROOT, Server, error_of, run
from wireclient import (
    BASE,
    COM_QUERY,
    COM_STMT_CLOSE,
    COM_STMT_FETCH,
    COM_STMT_RESET,
    DEPRECATE_EOF,
    MARIADB_EXTENDED_METADATA,
    OPTIONAL_METADATA,
    QUERY_ATTRIBUTES,
    SESSION_TRACK,
    ErrorPacket,
    WireClient,
)

SETUP = """
CREATE TABLE types (id INT PRIMARY KEY, ti TINYINT, tu TINYINT UNSIGNED NOT NULL, si SMALLINT, mi MEDIUMINT, i INT UNSIGNED,
  bi BIGINT, bu BIGINT UNSIGNED, de DECIMAL(20,4), f FLOAT, db DOUBLE, bt BIT(10), y YEAR, d DATE, t TIME(3), dt DATETIME(6),
  ts TIMESTAMP NULL, c CHAR(5), vc VARCHAR(50), vl VARCHAR(50) CHARACTER SET latin1, b BINARY(4), vb VARBINARY(20), tx TEXT,
  bl BLOB, e ENUM('one','zwei ü'), s SET('a','b','c'), KEY (vc));
INSERT INTO types VALUES (1,-128,255,-32768,8388607,4294967295,-9223372036854775808,18446744073709551615,
  -1234567890123456.7891,1.5,1e100,b'1010101010',2024,'2024-02-29','-838:59:59.000','2024-01-02 03:04:05.678901',
  '2024-05-06 07:08:09','abc','één ü','fünf',x'00ff',x'0001','text',x'00ff80','zwei ü','a,c');
INSERT INTO types (id, tu) VALUES (2, 0);
INSERT INTO types VALUES (3,0,1,0,0,0,0,0,0,0,0,b'0',2000,'1000-01-01','00:00:00','1000-01-01 00:00:00','1971-01-01 00:00:01',
  '','','','','','','','one','');
CREATE TABLE log (id INT AUTO_INCREMENT PRIMARY KEY, who INT NOT NULL, what VARCHAR(20));
CREATE TABLE secret (id INT PRIMARY KEY, name VARCHAR(20), salary INT);
INSERT INTO secret VALUES (1,'ann',10),(2,'bob',20);
CREATE TABLE many (id INT PRIMARY KEY, x INT);
INSERT INTO many VALUES (0,0),(1,1),(2,4),(3,9),(4,16),(5,25),(6,36),(7,49),(8,64),(9,81)
"""
COLUMNS = "id ti tu si mi i bi bu de f db bt y d t dt ts c vc vl b vb tx bl e s".split()
TPCH_TABLES = ("region", "nation", "supplier", "part", "partsupp", "customer", "orders", "lineitem")


def wait_for(condition, what, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def tpch():
    """tests/tpch/compare as a module: its queries and its statements."""
    path = str(ROOT / "tests/tpch/compare")
    loader = importlib.machinery.SourceFileLoader("tpch_compare", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("tpch_compare", loader))
    loader.exec_module(module)
    return module


def load_tpch(upstream, binary, work):
    """The eight tables at scale 0.01 in route_tpch; False where there is no generator."""
    generator = os.path.join(os.path.dirname(binary), "tpchgen")
    if not os.path.exists(generator):
        return False
    data = work / "route-tpch"
    data.mkdir()
    subprocess.run([generator, "-s", "0.01", "-o", str(data)], check=True, stdout=subprocess.DEVNULL)
    compare = tpch()
    with upstream.connect() as connection:
        run(connection, "CREATE DATABASE route_tpch")
        run(connection, "USE route_tpch")
        for statement in compare.statements(ROOT / "tests/tpch/schema.sql"):
            run(connection, statement)
        for table in TPCH_TABLES:
            run(connection, f"LOAD DATA LOCAL INFILE '{data}/{table}.tbl' INTO TABLE {table} FIELDS TERMINATED BY '|'")
        for statement in compare.statements(ROOT / "tests/tpch/indexes.sql"):
            run(connection, statement)
    return True


@pytest.fixture(scope="module", params=[("mysql", "session"), ("mariadb", "transaction")], ids="-".join)
def hybrid(request, relays, binary, shared_work):
    """A server with a copy of the upstream's databases route_*: all of their tables are copied."""
    dialect, pooling = request.param
    upstream = relays.upstream(dialect)
    for statement in SETUP_DATABASES:
        upstream.query(statement)
    with upstream.connect(database="route_d") as connection:
        for statement in filter(None, (s.strip() for s in SETUP.split(";"))):
            run(connection, statement)
    work = shared_work / f"route-{dialect}"
    work.mkdir()
    has_tpch = dialect == "mysql" and load_tpch(upstream, binary, work)
    server = Server(binary, work, "--storage", "hybrid", "--mysql-host", "127.0.0.1", "--mysql-port", str(upstream.port),
                    "--mysql-user", "root", "--replica-include", "route_*.*", "--pool-mode", pooling).start()
    server.upstream, server.dialect, server.pooling, server.has_tpch = upstream, dialect, pooling, has_tpch
    wait_for(lambda: is_live(server, 4 + (8 if has_tpch else 0)), f"the tables are not copied: {server.log_text()[-3000:]}")
    yield server
    assert server.stop() == 0, server.log_text()[-4000:]
    for name in ("route_d", "route_e", "route_tpch"):
        upstream.query(f"DROP DATABASE IF EXISTS {name}")


SETUP_DATABASES = ["DROP DATABASE IF EXISTS route_d", "DROP DATABASE IF EXISTS route_e", "DROP DATABASE IF EXISTS route_tpch",
                   "CREATE DATABASE route_d", "CREATE DATABASE route_e"]


def is_live(server, count):
    states = [row[0] for row in server.query("SELECT state FROM pintail.tables")]
    assert "aside" not in states
    return states.count("live") == count


def column(server, **options):
    """A session whose reads go to the copy."""
    connection = server.connect(**{"database": "route_d", **options})
    run(connection, "SET pintail_route = column")
    return connection


def message_of(connection, sql):
    with pytest.raises(pymysql.Error) as caught:
        run(connection, sql)
    return caught.value.args


def reads_of_copy(server):
    """How many statements the column engine has answered."""
    rows = dict(server.query("SHOW PINTAIL STATUS"))
    return sum(int(float(v)) for k, v in rows.items() if k.startswith("statements_total") and "column" in k)


# ---- Answers ----

QUERIES = [
    "SELECT * FROM types ORDER BY id",
    *(f"SELECT {c}, {c} x FROM types ORDER BY id" for c in COLUMNS),
    "SELECT vc, COUNT(*) FROM types GROUP BY vc ORDER BY vc",
    "SELECT CONCAT(vc,'ü'), id+1, de*2, de/3, id DIV 2, f*2 FROM types ORDER BY id",
    "SELECT a.id, b.vc FROM types a JOIN types b ON a.id=b.id ORDER BY 1",
    "SELECT id, IFNULL(de,0), COALESCE(vl,'x') FROM types ORDER BY id",
    "SELECT DATE_ADD(d, INTERVAL 1 DAY), YEAR(dt) FROM types ORDER BY id",
    "SELECT id FROM types WHERE vc='ÉÉN Ü'",
    "SELECT id FROM types WHERE id > 100",
    "SELECT nope FROM types",
    "SELECT * FROM types WHERE",
    "SELECT frob(id) FROM types",
    "SELECT id FROM types WHERE (1,2) = 3",
]
CLIENTS = {
    "eof": BASE,
    "deprecate": BASE | DEPRECATE_EOF | SESSION_TRACK,
    "all": BASE | DEPRECATE_EOF | SESSION_TRACK | QUERY_ATTRIBUTES | OPTIONAL_METADATA | MARIADB_EXTENDED_METADATA,
}
# Status flags that tell of the plan: SERVER_QUERY_NO_INDEX_USED and the like.
PLAN_FLAGS = 0x10 | 0x20 | 0x800


def masked(packets, deprecate):
    """Without numbers of statements and what plans say."""
    out = []
    for n, (seq, p) in enumerate(packets):
        if n == 0 and p[:1] == b"\0" and len(p) >= 12:
            p = p[:1] + b"...." + p[5:]
        elif p[:1] == b"\xfe" and len(p) < 10:
            at = 3
            status = struct.unpack("<H", p[at:at + 2])[0] & ~PLAN_FLAGS
            p = p[:at] + struct.pack("<H", status) + p[at + 2:]
        out.append((seq, p))
    return out


@pytest.mark.parametrize("client", CLIENTS)
def test_packets_are_those_of_the_upstream(hybrid, client):
    before = reads_of_copy(hybrid)
    with WireClient(hybrid.upstream.port, caps=CLIENTS[client], db="route_d") as theirs, \
            WireClient(hybrid.port, caps=CLIENTS[client], db="route_d") as ours:
        ours.query("SET pintail_route = column")
        deprecate = bool(CLIENTS[client] & DEPRECATE_EOF)
        for sql in QUERIES:
            assert masked(ours.query(sql), deprecate) == masked(theirs.query(sql), deprecate), sql
            their_id, expected = theirs.prepare(sql)
            our_id, prepared = ours.prepare(sql)
            assert masked(prepared, deprecate) == masked(expected, deprecate), sql
            if their_id is not None:
                assert masked(ours.execute(our_id), deprecate) == masked(theirs.execute(their_id), deprecate), sql
                ours.command(COM_STMT_CLOSE, struct.pack("<I", our_id))
    assert reads_of_copy(hybrid) > before + len(QUERIES)


def test_prepared_statements_take_values(hybrid):
    with WireClient(hybrid.upstream.port, db="route_d") as theirs, WireClient(hybrid.port, db="route_d") as ours:
        ours.query("SET pintail_route = column")
        answers = []
        for client in (theirs, ours):
            number, _ = client.prepare("SELECT id, vc, de FROM types WHERE id >= ? AND id < ? ORDER BY id")
            got = []
            for low, high in ((1, 3), (2, 9), (7, 8)):
                got.append(client.execute(number, params=b"\0\1\3\0\3\0" + struct.pack("<ii", low, high)))
            # A cursor: rows come when they are fetched.
            client.execute(number, flags=1, params=b"\0\1\3\0\3\0" + struct.pack("<ii", 0, 9))
            fetched = [client.command(COM_STMT_FETCH, struct.pack("<II", number, 2)) for _ in range(2)]
            got.append([[p for _, p in f[:-1]] for f in fetched])
            client.command(COM_STMT_RESET, struct.pack("<I", number))
            client.command(COM_STMT_CLOSE, struct.pack("<I", number))
            answers.append(got)
        assert answers[0][:3] == answers[1][:3]
        assert answers[0][3] == answers[1][3]
        # One that goes upstream lives beside it.
        number, _ = ours.prepare("INSERT INTO log (who, what) VALUES (?, 'prepared')")
        ours.execute(number, params=b"\0\1\3\0" + struct.pack("<i", 77))
        assert ours.value("SELECT COUNT(*) FROM log WHERE who = 77") == "1"


def test_tpch_is_answered_as_upstream(hybrid):
    if not hybrid.has_tpch:
        pytest.skip("only beside MySQL, and where tpchgen was built")
    before = reads_of_copy(hybrid)
    with WireClient(hybrid.upstream.port, db="route_tpch", seconds=120) as theirs, \
            WireClient(hybrid.port, db="route_tpch", seconds=120) as ours:
        ours.query("SET pintail_route = column")
        for number, text in tpch().queries(0.01):
            assert sorted(ours.rows(text), key=str) == sorted(theirs.rows(text), key=str), f"query {number}"
    assert reads_of_copy(hybrid) >= before + 22


# ---- The session ----

@pytest.mark.parametrize("setting, query", [
    ("SET sql_mode = 'ANSI_QUOTES'", 'SELECT "x" FROM many ORDER BY "id"'),
    ("SET sql_mode = 'PIPES_AS_CONCAT'", "SELECT id || x FROM many ORDER BY id"),
    ("SET div_precision_increment = 9", "SELECT x/7 FROM many ORDER BY id"),
    ("SET sql_select_limit = 3", "SELECT id FROM many ORDER BY id"),
    ("SET group_concat_max_len = 5", "SELECT LENGTH(GROUP_CONCAT(id ORDER BY id)) FROM many"),  # MySQL also warns
    ("SET time_zone = '+05:30'", "SELECT ts, DATE(ts) FROM types ORDER BY id"),
    ("SET time_zone = 'Europe/Berlin'", "SELECT ts FROM types ORDER BY id"),
    ("SET timestamp = 86400", "SELECT NOW(), id FROM many ORDER BY id"),
    ("SET collation_connection = utf8mb4_bin", "SELECT id FROM many WHERE 'a' = 'A'"),
    ("SET NAMES latin1", "SELECT vc, vl, 'x' FROM types ORDER BY id"),
    ("SET NAMES utf8mb4 COLLATE utf8mb4_bin", "SELECT vc, vl FROM types ORDER BY id"),
    ("SET character_set_results = NULL", "SELECT vc, vl FROM types ORDER BY id"),
    ("USE route_e", "SELECT id FROM route_d.many ORDER BY id"),
    ("SET max_error_count = 1", "SELECT id FROM many ORDER BY id"),
], ids=lambda text: text if text.startswith(("SET", "USE")) else "")
def test_settings_are_followed(hybrid, setting, query):
    """Also when they change between two reads."""
    with WireClient(hybrid.port, db="route_d") as client:
        client.rows("SET time_zone = '+00:00'")
        client.rows("SET pintail_route = column")
        client.rows("SELECT id FROM many")
        client.rows(setting)
        client.rows("SET pintail_route = upstream")
        expected = masked(client.query(query), False)
        client.rows("SET pintail_route = column")
        before = reads_of_copy(hybrid)
        got = masked(client.query(query), False)
        assert reads_of_copy(hybrid) > before, got
        assert got[:-1] == expected[:-1]


def test_settings_that_cannot_be_followed(hybrid):
    with column(hybrid) as connection:
        run(connection, "SET lc_time_names = 'de_DE'")
        code, text = message_of(connection, "SELECT MONTHNAME(d) FROM types")
        assert code == 1235 and "lc_time_names" in text
        run(connection, "SET lc_time_names = DEFAULT")
        assert run(connection, "SELECT COUNT(*) FROM many") == ((10,),)


def test_the_variables(hybrid):
    with hybrid.connect() as connection:
        assert run(connection, "SELECT @@pintail_route, @@session.pintail_freshness") == (("upstream", "session"),)
        assert run(connection, "SHOW VARIABLES LIKE 'pintail_route'") == (("pintail_route", "upstream"),)
        for statement in ("SET pintail_route = 'column'", "SET SESSION pintail_route = column", "SET @@pintail_route = 1"):
            run(connection, "SET pintail_route = DEFAULT")
            run(connection, statement)
            assert run(connection, "SELECT @@pintail_route") == (("column",),)
        assert error_of(connection, "SET pintail_route = 'auto'") == 1231
        assert error_of(connection, "SET pintail_freshness = 'soon'") == 1231
        assert error_of(connection, "SET pintail_route = upstream, sql_mode = ''") == 1235
        assert error_of(connection, "SELECT @@pintail_route, @@version") == 1235
        assert run(connection, "SELECT @@pintail_route") == (("column",),)
    with hybrid.connect() as connection:
        assert run(connection, "SELECT @@pintail_route") == (("upstream",),)
        run(connection, "SET GLOBAL pintail_freshness_timeout = 20")
    with hybrid.connect() as connection:
        assert run(connection, "SELECT @@pintail_freshness_timeout") == ((20,),)
        run(connection, "SET GLOBAL pintail_freshness_timeout = DEFAULT")


def test_what_is_not_of_tables_goes_upstream(hybrid):
    with column(hybrid) as connection:
        assert run(connection, "SELECT 1") == ((1,),)
        assert run(connection, "SELECT VERSION()") == hybrid.upstream.query("SELECT VERSION()")
        assert run(connection, "SELECT DATABASE()") == (("route_d",),)
        assert run(connection, "SHOW TABLES LIKE 'ma%'") == (("many",),)
        assert run(connection, "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'route_d'") == ((4,),)
        run(connection, "SET @a = 5")
        assert run(connection, "SELECT @a") == ((5,),)
        assert run(connection, "WITH c AS (SELECT 3 x) SELECT x FROM c") == ((3,),)


@pytest.mark.parametrize("sql, why", [
    ("SELECT @a, id FROM many", "user variables"),
    ("SELECT CONNECTION_ID(), id FROM many", "CONNECTION_ID"),
    ("SELECT @@version, id FROM many", "version"),
    ("SELECT id FROM many FOR UPDATE", "FOR UPDATE"),
    ("SELECT id INTO @a FROM many LIMIT 1", "INTO"),
    ("SELECT m.id FROM many m, information_schema.tables", "system tables"),
], ids=["user variable", "function", "system variable", "locking", "into", "system table"])
def test_what_would_be_answered_otherwise_is_refused(hybrid, sql, why):
    with column(hybrid) as connection:
        code, text = message_of(connection, sql)
        assert code == 1235 and why.lower() in text.lower(), text
        assert run(connection, "SELECT COUNT(*) FROM many") == ((10,),)


def test_check_table_compares_with_the_upstream(hybrid):
    with column(hybrid) as connection:
        rows = run(connection, "CHECK TABLE many, secret")
        assert [(row[0], row[3]) for row in rows if row[2] == "status"] == [("route_d.many", "OK"), ("route_d.secret", "OK")]
        assert ("10 rows" in rows[0][3]), rows
        run(connection, "SET pintail_route = upstream")
        assert run(connection, "CHECK TABLE many")[0][1] == "check"


def test_several_statements_are_refused(hybrid):
    with column(hybrid, client_flag=pymysql.constants.CLIENT.MULTI_STATEMENTS) as connection:
        assert error_of(connection, "SELECT id FROM many; SELECT 1") == 1235
        assert run(connection, "SELECT COUNT(*) FROM many") == ((10,),)


def test_transactions(hybrid):
    with column(hybrid) as connection:
        run(connection, "BEGIN")
        assert run(connection, "SELECT COUNT(*) FROM many") == ((10,),)
        run(connection, "INSERT INTO log (who, what) VALUES (5, 'open')")
        code, text = message_of(connection, "SELECT COUNT(*) FROM log")
        assert code == 1235 and "transaction has written" in text
        run(connection, "COMMIT")
        assert run(connection, "SELECT COUNT(*) FROM log WHERE who = 5") == ((1,),)
        run(connection, "BEGIN")
        run(connection, "INSERT INTO log (who, what) VALUES (5, 'never')")
        run(connection, "ROLLBACK")
        assert run(connection, "SELECT COUNT(*) FROM log WHERE who = 5") == ((1,),)


def test_temporary_tables(hybrid):
    with column(hybrid) as connection:
        run(connection, "CREATE TEMPORARY TABLE many (z INT)")
        code, text = message_of(connection, "SELECT * FROM many")
        assert code == 1235 and "temporary tables" in text


def test_resetting_the_connection(hybrid):
    with WireClient(hybrid.port, db="route_d") as client:
        client.rows("SET pintail_route = column")
        number, _ = client.prepare("SELECT id FROM many")
        assert client.execute(number)[0][1][0] == 1
        client.command(31)
        assert client.value("SELECT @@pintail_route") == "upstream"
        assert client.execute(number)[0][1][:1] == b"\xff"
        assert client.value("SELECT COUNT(*) FROM many") == "10"


def test_warnings_are_of_the_last_statement(hybrid):
    with column(hybrid) as connection:
        assert error_of(connection, "SELECT nope FROM many") == 1054
        assert run(connection, "SHOW WARNINGS")[0][1] == 1054
        assert run(connection, "SHOW COUNT(*) WARNINGS") == ((1,),)
        run(connection, "SELECT id FROM many")
        assert run(connection, "SHOW WARNINGS") == ()
        assert run(connection, "SELECT FOUND_ROWS()") == ((10,),)
        assert error_of(connection, "SELECT 1 FROM many WHERE @a") == 1235
        assert run(connection, "SHOW ERRORS")[0][1] == 1235
        assert error_of(connection, "DO nothing()") in (1305, 1370)
        assert run(connection, "SHOW WARNINGS")[0][1] in (1305, 1370)


def test_tables_that_are_not_copied(hybrid):
    hybrid.upstream.query("CREATE DATABASE IF NOT EXISTS elsewhere")
    hybrid.upstream.query("CREATE TABLE IF NOT EXISTS elsewhere.t (a INT PRIMARY KEY)")
    try:
        with column(hybrid) as connection:
            code, text = message_of(connection, "SELECT * FROM elsewhere.t")
            assert code == 1146 and "not one of the tables that are copied" in text
            assert error_of(connection, "SELECT * FROM no_such") == 1146
    finally:
        hybrid.upstream.query("DROP DATABASE elsewhere")


# ---- Privileges ----

@pytest.fixture
def reader(hybrid):
    """An account that may read some of the tables, and columns."""
    for statement in ("DROP USER IF EXISTS route_reader", "CREATE USER route_reader IDENTIFIED BY 'pw'",
                      "GRANT SELECT ON route_d.many TO route_reader", "GRANT SELECT (id, name) ON route_d.secret TO route_reader"):
        hybrid.upstream.query(statement)
    yield {"user": "route_reader", "password": "pw"}
    hybrid.upstream.query("DROP USER route_reader")


def test_grants_of_the_upstream_hold(hybrid, reader):
    with column(hybrid, **reader) as connection:
        assert run(connection, "SELECT COUNT(*) FROM many") == ((10,),)
        assert run(connection, "SELECT id, name FROM secret ORDER BY id") == ((1, "ann"), (2, "bob"))
        for sql, code in (("SELECT * FROM types", 1142), ("SELECT salary FROM secret", 1143), ("SELECT * FROM secret", 1142),
                          ("SELECT id FROM secret ORDER BY salary", 1143), ("SELECT COUNT(*) FROM route_tpch.region", 1142),
                          ("SELECT m.id FROM many m JOIN types t USING (id)", 1142),
                          ("SELECT id FROM many WHERE EXISTS (SELECT 1 FROM types)", 1142)):
            run(connection, "SET pintail_route = upstream")
            expected = message_of(connection, sql)
            run(connection, "SET pintail_route = column")
            assert message_of(connection, sql) == expected, sql
            assert expected[0] in (code, 1142, 1143), sql
    with WireClient(hybrid.port, user="route_reader", password="pw", db="route_d", caps=BASE) as client:
        client.rows("SET pintail_route = column")
        assert client.prepare("SELECT * FROM types")[0] is None
        with pytest.raises(ErrorPacket):
            client.rows("SELECT * FROM pintail.tables")
        with pytest.raises(ErrorPacket):
            client.rows("STOP REPLICA")


def test_what_is_revoked_ends(hybrid, reader):
    with column(hybrid, **reader) as connection, \
            WireClient(hybrid.port, user="route_reader", password="pw", db="route_d") as client:
        assert run(connection, "SELECT COUNT(*) FROM many") == ((10,),)
        client.rows("SET pintail_route = column")
        number, _ = client.prepare("SELECT COUNT(*) FROM many")
        assert client.execute(number)[0][1][:1] == b"\1"
        hybrid.upstream.query("REVOKE SELECT ON route_d.many FROM route_reader")
        wait_for(lambda: error_of(connection, "SELECT COUNT(*) FROM many") == 1142, "the REVOKE has no effect")
        wait_for(lambda: client.execute(number)[0][1][:1] == b"\xff", "the REVOKE has no effect on what is prepared")


# ---- Freshness ----

def test_a_session_reads_what_it_has_written_under_load(hybrid):
    stop = threading.Event()

    def write():
        with hybrid.upstream.connect(database="route_d") as connection:
            while not stop.is_set():
                error_of(connection, "INSERT INTO log (who, what) VALUES (0,'load'),(0,'load'),(0,'load')")  # may deadlock
                error_of(connection, "UPDATE log SET what = 'x' WHERE who = 0 ORDER BY id DESC LIMIT 5")

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    try:
        with column(hybrid) as connection:
            run(connection, "SET pintail_freshness_timeout = 60")
            for i in range(30):
                run(connection, "INSERT INTO log (who, what) VALUES (1000, %s)", (str(i),))
                assert run(connection, "SELECT COUNT(*), MAX(CAST(what AS SIGNED)) FROM log WHERE who = 1000") == ((i + 1, i),)
    finally:
        stop.set()
        for writer in writers:
            writer.join()


def test_strong_reads_see_all_that_was_written_before(hybrid):
    with column(hybrid) as connection, hybrid.upstream.connect(database="route_d") as other:
        run(connection, "SET pintail_freshness = strong")
        run(connection, "SET pintail_freshness_timeout = 60")
        for i in range(20):
            run(other, "INSERT INTO log (who, what) VALUES (2000, 'strong')")
            assert run(connection, "SELECT COUNT(*) FROM log WHERE who = 2000") == ((i + 1,),)
        run(connection, "SET pintail_freshness = eventual")
        run(other, "INSERT INTO log (who, what) VALUES (2000, 'strong')")
        wait_for(lambda: run(connection, "SELECT COUNT(*) FROM log WHERE who = 2000") == ((21,),), "it does not arrive")


def test_reads_that_cannot_be_fresh_in_time_fail(hybrid):
    with column(hybrid) as connection:
        run(connection, "STOP REPLICA")
        try:
            assert run(connection, "SELECT COUNT(*) FROM many") == ((10,),)
            run(connection, "INSERT INTO log (who, what) VALUES (3000, 'late')")
            assert error_of(connection, "SELECT COUNT(*) FROM log WHERE who = 3000") is not None
            run(connection, "SET pintail_freshness = eventual")
            assert run(connection, "SELECT COUNT(*) FROM log WHERE who = 3000") == ((0,),)
        finally:
            run(connection, "START REPLICA")
        run(connection, "SET pintail_freshness = session")
        wait_for(lambda: error_of(connection, "SELECT COUNT(*) FROM log WHERE who = 3000") is None, "it does not go on")
        assert run(connection, "SELECT COUNT(*) FROM log WHERE who = 3000") == ((1,),)


# ---- Ends ----

LONG = "SELECT COUNT(*) FROM many a, many b, many c, many d, many e, many f, many g, many h, many i, many j, many k"


def test_kill_reaches_reads_of_the_copy(hybrid):
    with column(hybrid) as connection, hybrid.connect() as killer:
        caught = []

        def read():
            try:
                run(connection, LONG)
            except pymysql.Error as e:
                caught.append(e.args[0])

        reading = threading.Thread(target=read)
        reading.start()
        for _ in range(200):  # one that comes before the query begins has no effect
            run(killer, f"KILL QUERY {connection.thread_id()}")
            reading.join(0.2)
            if not reading.is_alive():
                break
        assert caught == [1317]
        assert run(connection, "SELECT COUNT(*) FROM many") == ((10,),)


def test_max_execution_time_holds(hybrid):
    name, value, code = ("max_execution_time", 50, 3024) if hybrid.dialect == "mysql" else ("max_statement_time", 0.05, 1969)
    with column(hybrid) as connection:
        run(connection, f"SET {name} = {value}")
        assert error_of(connection, LONG) == code
        run(connection, f"SET {name} = 0")
        assert run(connection, "SELECT COUNT(*) FROM many") == ((10,),)


def clients(server):
    """How many sessions there are, the asking one included."""
    return len(server.query("SHOW PINTAIL SESSIONS"))


def test_a_client_that_goes_ends_its_read(hybrid):
    wait_for(lambda: clients(hybrid) == 1, "sessions of other tests do not end")
    client = WireClient(hybrid.port, db="route_d")
    client.rows("SET pintail_route = column")
    client.send_command(COM_QUERY, LONG.encode())
    client.close()
    wait_for(lambda: clients(hybrid) == 1, "the session does not end")
