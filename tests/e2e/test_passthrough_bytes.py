"""Through the relay, a server answers with the very bytes that it answers with directly.

The same commands are sent to a real server and to a relay before it, by clients of several sets of capabilities, and every
packet of every reply is compared: numbers, marks, flags, definitions, rows. What two runs on one server differ in (GTIDs,
statement numbers) is masked, and what only a server can know is listed in differs().
"""

import re
import struct

import pytest
from wireclient import (
    BASE,
    COM_CHANGE_USER,
    COM_CREATE_DB,
    COM_DAEMON,
    COM_DEBUG,
    COM_DROP_DB,
    COM_FIELD_LIST,
    COM_INIT_DB,
    COM_PING,
    COM_PROCESS_INFO,
    COM_QUERY,
    COM_REFRESH,
    COM_RESET_CONNECTION,
    COM_SET_OPTION,
    COM_SLEEP,
    COM_STATISTICS,
    COM_STMT_BULK_EXECUTE,
    COM_STMT_CLOSE,
    COM_STMT_EXECUTE,
    COM_STMT_FETCH,
    COM_STMT_PREPARE,
    COM_STMT_RESET,
    COM_STMT_SEND_LONG_DATA,
    COM_TIME,
    CONNECT_ATTRS,
    DEPRECATE_EOF,
    FOUND_ROWS,
    LOCAL_FILES,
    LONG_FLAG,
    MARIADB_CACHE_METADATA,
    MARIADB_EXTENDED_METADATA,
    MARIADB_PROGRESS,
    MARIADB_STMT_BULK,
    OPTIONAL_METADATA,
    PLUGIN_AUTH,
    PROTOCOL_41,
    QUERY_ATTRIBUTES,
    SECURE_CONNECTION,
    SESSION_TRACK,
    TRANSACTIONS,
    ErrorPacket,
    Gone,
    WireClient,
    lenenc,
)

STATE_CHANGED = 0x4000  # a status flag

EXTENSIONS = (QUERY_ATTRIBUTES | OPTIONAL_METADATA | CONNECT_ATTRS | MARIADB_PROGRESS | MARIADB_STMT_BULK |
              MARIADB_EXTENDED_METADATA | MARIADB_CACHE_METADATA)
CLIENTS = {
    "eof": BASE,
    "deprecate": BASE | DEPRECATE_EOF,
    "track": BASE | SESSION_TRACK,
    "all": BASE | DEPRECATE_EOF | SESSION_TRACK | EXTENSIONS,
    "mixed": BASE | SESSION_TRACK | FOUND_ROWS | EXTENSIONS & ~MARIADB_EXTENDED_METADATA,
    "old": LONG_FLAG | PROTOCOL_41 | TRANSACTIONS | SECURE_CONNECTION | PLUGIN_AUTH | LOCAL_FILES | DEPRECATE_EOF,
}

SETUP = [
    "DROP DATABASE IF EXISTS wire", "CREATE DATABASE wire", "USE wire",
    "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, a VARCHAR(100), b DECIMAL(10,2), c BLOB, d DATETIME(3))",
    "INSERT INTO t (a,b,c,d) VALUES ('one',1.5,x'00ff','2020-01-01 10:00:00.5'),('zwei ü',NULL,NULL,NULL),('three',-3,'',NULL)",
    "CREATE TABLE l (x INT, y VARCHAR(20))",
    "CREATE PROCEDURE p1(IN n INT, OUT o INT, INOUT io VARCHAR(20)) BEGIN SELECT n AS n; SELECT id,a FROM t ORDER BY id; "
    "SET o=n*2; SET io=CONCAT(io,'!'); END",
    "CREATE PROCEDURE p2() BEGIN UPDATE t SET a='x' WHERE id=99; END",
    "CREATE PROCEDURE p3() BEGIN SELECT 1; SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT='stop'; END",
    "CREATE FUNCTION f1(x INT) RETURNS INT DETERMINISTIC RETURN x+1",
    "CREATE FUNCTION f2(x INT) RETURNS INT MODIFIES SQL DATA BEGIN INSERT INTO l VALUES (x,'f2'); RETURN x; END",
    "CREATE VIEW v AS SELECT id, a FROM t",
]

STATEMENTS = [
    "SELECT 1", "SELECT * FROM wire.t ORDER BY id", "SELECT * FROM wire.t WHERE 0", "USE wire", "SELECT * FROM v ORDER BY id",
    "SET @x=1", "SET NAMES latin1", "SELECT a FROM t ORDER BY id", "SET NAMES utf8mb4", "SELEC", "SELECT 1/0", "SHOW WARNINGS",
    "SELECT 1; SELECT 2; SELECT a FROM t WHERE id=1", "SELECT 1; SELEC", "SELECT 1; DO 1; SELECT * FROM nope; SELECT 3",
    "SET @o=0, @io='a'; CALL p1(3,@o,@io); SELECT @o,@io", "CALL p2()", "CALL p3()", "CALL p1(1,@o,@io)", "BEGIN",
    "INSERT INTO t(a) VALUES('tx')", "SELECT COUNT(*) FROM t", "ROLLBACK", "START TRANSACTION READ ONLY", "COMMIT",
    "SET autocommit=0", "SELECT 1", "SET autocommit=1", "SET sql_mode='NO_ZERO_DATE'",
    "SHOW WARNINGS", "SELECT @@warning_count, ROW_COUNT()", "UPDATE t SET b=b+1", "SET sql_mode=DEFAULT", "SELECT ROW_COUNT()",
    "SET @nope = CAST('x' AS SIGNED)", "SHOW WARNINGS", "INSERT INTO t(a) VALUES('id')", "SET @i=1", "SELECT LAST_INSERT_ID()",
    "DELETE FROM t WHERE a='id'", "SET optimizer_nope=1", "SHOW ERRORS", "START TRANSACTION WITH CONSISTENT SNAPSHOT", "SELECT 1", "COMMIT",
    "SELECT f1(1)", "SELECT f2(5)", "SELECT SQL_CALC_FOUND_ROWS id FROM t LIMIT 1", "SELECT FOUND_ROWS()",
    "SELECT REPEAT('x',250)", "SELECT REPEAT('x',300)", "SELECT REPEAT('x',70000)", "SELECT REPEAT('x',70000), 1 UNION ALL SELECT 'b',2",
    "UPDATE t SET a='y' WHERE id=1", "UPDATE t SET a='y' WHERE id=1", "INSERT INTO t(a) VALUES('n1'),('n2')",
    "DELETE FROM t WHERE a LIKE 'n_'", "CREATE TEMPORARY TABLE tmp(i INT)", "DROP TEMPORARY TABLE tmp", "ALTER TABLE l ADD z INT",
    "ALTER TABLE l DROP z", "SET SESSION sql_mode='ANSI'", "SET SESSION sql_mode=DEFAULT", "SET time_zone='+03:00'",
    "SET time_zone=DEFAULT", "CREATE DATABASE wire2", "USE wire2", "DROP DATABASE wire2", "USE wire", "EXPLAIN FORMAT=JSON SELECT 1",
    "DO SLEEP(0.01)", "HANDLER t OPEN", "HANDLER t READ FIRST", "HANDLER t CLOSE", "PREPARE s FROM 'SELECT ?+1 AS q'", "SET @p=4",
    "EXECUTE s USING @p", "DEALLOCATE PREPARE s", "", ";", "/* only */", "-- x", "GET DIAGNOSTICS @n = NUMBER",
    "SELECT NULL, '', 0", "XA START 'a'", "XA END 'a'", "XA ROLLBACK 'a'",
    "SELECT CONCAT_WS(','," + ",".join(f"'{i}'" for i in range(300)) + ")", "SELECT " + ",".join(str(i) for i in range(300)),
]
MYSQL_STATEMENTS = [
    "SELECT /*+ MAX_EXECUTION_TIME(1000) */ 1", "SET session_track_gtids=OWN_GTID", "INSERT INTO t(a) VALUES('g')",
    "SET session_track_transaction_info='CHARACTERISTICS'", "START TRANSACTION READ ONLY, ISOLATION LEVEL READ COMMITTED",
    "COMMIT", "SET session_track_state_change=1", "SET @zz=1", "SET session_track_system_variables='*'", "SET sql_mode=''",
    "DELETE FROM t WHERE a='g'", "SELECT 1; SET @zz=2; SELECT 3",
]
MARIADB_STATEMENTS = [
    "SET session_track_system_variables='*'", "SET sql_mode=''", "SET session_track_state_change=1",
    "SET session_track_transaction_info='CHARACTERISTICS'", "BEGIN", "SELECT 1", "COMMIT",
    "INSERT INTO l VALUES (1,'a') RETURNING x", "SELECT * FROM l PROCEDURE ANALYSE()",
]
LOAD = "LOAD DATA LOCAL INFILE 'abc' INTO TABLE l FIELDS TERMINATED BY ','"


def packet(command, payload=b""):
    data = bytes([command]) + payload
    return struct.pack("<I", len(data))[:3] + b"\0" + data


def query_payload(c, sql):
    return (b"\0\1" if c.caps & QUERY_ATTRIBUTES and not c.is_mariadb else b"") + sql


def prepare(c, sql):
    """The prepare's packets without the statement's number, and the number."""
    number, packets = c.prepare(sql)
    if number is not None:
        seq, first = packets[0]
        packets[0] = (seq, first[:1] + b"----" + first[5:])
    return number, packets


def execute(sql, flags=0, fetches=(), times=1):
    def run(c):
        number, packets = prepare(c, sql)
        if number is None:
            return packets
        for _ in range(times):
            packets += c.execute(number, flags)
        for n in fetches:
            packets += c.command(COM_STMT_FETCH, struct.pack("<II", number, n))
        c.command(COM_STMT_CLOSE, struct.pack("<I", number))
        return packets
    return run


def execute_call(c):
    number, packets = prepare(c, "CALL p1(?,?,?)")
    values = b"\0\1" + b"\x03\0\x03\0\xfd\0" + struct.pack("<ii", 4, 0) + b"\2io"
    return packets + c.command(COM_STMT_EXECUTE, struct.pack("<IBI", number, 0, 1) + values)


def long_data(size):
    def run(c):
        number, packets = prepare(c, "SELECT LENGTH(?), SHA2(?, 256)")
        for _ in range(3):
            c.command(COM_STMT_SEND_LONG_DATA, struct.pack("<IH", number, 0) + b"d" * size)
            c.command(COM_STMT_SEND_LONG_DATA, struct.pack("<IH", number, 1) + b"e" * size)
        return packets + c.command(COM_STMT_EXECUTE, struct.pack("<IBI", number, 0, 1) + b"\0\1" + b"\xfc\0\xfc\0")
    return run


def pipelined(c):
    """More commands than are followed at once, in one write."""
    commands = [(COM_QUERY, query_payload(c, b"SELECT %d, REPEAT('x', %d)" % (k, k * 37))) for k in range(150)]
    commands += [(COM_PING, b""), (COM_QUERY, query_payload(c, b"SELEC")), (COM_QUERY, query_payload(c, b"SELECT 1;SELECT 2"))]
    c.send(b"".join(packet(*command) for command in commands))
    return [p for command, _ in commands for p in c.reply(command)]


def pipelined_in_pieces(c):
    number, packets = prepare(c, "SELECT * FROM t ORDER BY id")
    commands = [(COM_STMT_EXECUTE, struct.pack("<IBI", number, 0, 1)), (COM_STMT_RESET, struct.pack("<I", number)),
                (COM_QUERY, query_payload(c, b"SELECT 1"))] * 30
    commands += [(COM_STMT_CLOSE, struct.pack("<I", number)), (COM_PING, b"")]
    data = b"".join(packet(*command) for command in commands)
    for at in range(0, len(data), 7):
        c.send(data[at:at + 7])
    return packets + [p for command, _ in commands for p in c.reply(command)]


def attributes(c):
    if not c.caps & QUERY_ATTRIBUTES:
        return []
    return c.command(COM_QUERY, b"\1\1\0\1\xfe\0\2n1\3val" + b"SELECT mysql_query_attribute_string('n1')")


def execute_last_prepared(c):
    """MariaDB's: -1 is the statement that is being prepared."""
    c.send(packet(COM_STMT_PREPARE, b"SELECT id FROM t ORDER BY id") +
           packet(COM_STMT_EXECUTE, struct.pack("<IBI", 0xffffffff, 0, 1)))
    return c.reply(COM_STMT_PREPARE)[1:] + c.reply(COM_STMT_EXECUTE)


def bulk(c):
    if not c.caps & MARIADB_STMT_BULK:
        return []
    number, packets = prepare(c, "INSERT INTO l VALUES (?, ?)")
    body = struct.pack("<IH", number, 128) + b"\3\0\xfd\0"
    for k in range(5):
        body += b"\0" + struct.pack("<i", k) + b"\0" + b"\2bb"
    return packets + c.command(COM_STMT_BULK_EXECUTE, body)


def change_user(c):
    c.send_command(COM_CHANGE_USER, b"root\0\0wire\0" + struct.pack("<H", 45) + c.plugin.encode() + b"\0" +
                   (b"\0" if c.caps & CONNECT_ATTRS else b""))
    return [(0, c.finish_login())]


def simple(command, payload=b""):
    return lambda c: c.command(command, payload)


def query(sql, file=b""):
    return lambda c: c.query(sql, file)


COMMANDS = [
    ("ping", simple(COM_PING)), ("use", simple(COM_INIT_DB, b"wire")), ("use none", simple(COM_INIT_DB, b"nope")),
    ("fields", simple(COM_FIELD_LIST, b"t\0")), ("fields like", simple(COM_FIELD_LIST, b"t\0a%")),
    ("fields of none", simple(COM_FIELD_LIST, b"nope\0")), ("no fields", simple(COM_FIELD_LIST, b"t\0zz%")),
    ("statistics", simple(COM_STATISTICS)), ("no multi", simple(COM_SET_OPTION, b"\1\0")), ("refused", query("SELECT 1; SELECT 2")),
    ("multi", simple(COM_SET_OPTION, b"\0\0")), ("granted", query("SELECT 1; SELECT 2")), ("refresh", simple(COM_REFRESH, b"\1")),
    ("process info", lambda c: c.command(COM_PROCESS_INFO)[:2]), ("debug", simple(COM_DEBUG)), ("time", simple(COM_TIME)),
    ("unknown", simple(0x70)), ("sleep", simple(COM_SLEEP)), ("daemon", simple(COM_DAEMON)), ("create db", simple(COM_CREATE_DB, b"w3")),
    ("drop db", simple(COM_DROP_DB, b"w3")),
    ("load", query(LOAD, b"1,a\n2,b\n3,c\n")), ("load nothing", query(LOAD)),
    ("load much", query(LOAD + "; SELECT COUNT(*) FROM l", b"1,a\n" * 40000)),
    ("load into none", query("LOAD DATA LOCAL INFILE 'abc' INTO TABLE nope", b"1")),
    ("prepare columns", lambda c: prepare(c, "SELECT * FROM t ORDER BY id")[1]),
    ("prepare both", lambda c: prepare(c, "SELECT id, ? FROM t WHERE a = ?")[1]),
    ("prepare parameters", lambda c: prepare(c, "INSERT INTO t(a,b) VALUES (?,?)")[1]),
    ("prepare neither", lambda c: prepare(c, "DO 1")[1]), ("prepare nonsense", lambda c: prepare(c, "SELEC")[1]),
    ("execute", execute("SELECT * FROM t ORDER BY id", times=2)),
    ("cursor", execute("SELECT * FROM t ORDER BY id", 1, (1, 1, 100))), ("cursor in twos", execute("SELECT * FROM t ORDER BY id", 1, (2, 2, 2))),
    ("empty cursor", execute("SELECT * FROM t WHERE 0", 1, (1,))), ("execute do", execute("DO 1")),
    ("execute none", lambda c: c.execute(99999)), ("fetch of none", simple(COM_STMT_FETCH, struct.pack("<II", 99999, 1))),
    ("execute update", execute("UPDATE t SET a='q' WHERE id=2")), ("execute call", execute_call),
    ("execute signal", execute("CALL p3()")), ("reset of none", simple(COM_STMT_RESET, struct.pack("<I", 99999))),
    ("long data", long_data(10)), ("long data of 3 MiB", long_data(1 << 20)), ("pipelined", pipelined),
    ("pipelined in pieces", pipelined_in_pieces), ("attributes", attributes), ("reset", simple(COM_RESET_CONNECTION)),
    ("after reset", query("SELECT @x, DATABASE()")), ("change user", change_user), ("after change", query("SELECT DATABASE(), @x")),
]
MYSQL_COMMANDS = [
    ("no metadata", query("SET resultset_metadata=NONE")), ("without", query("SELECT * FROM t ORDER BY id")),
    ("prepared without", lambda c: prepare(c, "SELECT id, ? FROM t WHERE a = ?")[1]),
    ("executed without", execute("SELECT * FROM t ORDER BY id")), ("cursor without", execute("SELECT * FROM t ORDER BY id", 1, (1, 100))),
]
MARIADB_COMMANDS = [("execute -1", execute_last_prepared), ("bulk", bulk)]
# Rows around 16 MiB, where packets are continued.
LARGE = [(f"large {n}", query(f"SELECT REPEAT('a', {n}), 5")) for n in (16777200, 16777207, 16777209, 16777210, 16777212)]
LARGE += [("large statement", query("SELECT LENGTH('" + "z" * 17000000 + "')"))]


def steps(c, name):
    statements = STATEMENTS + (MARIADB_STATEMENTS if c.is_mariadb else MYSQL_STATEMENTS)
    result = COMMANDS + (MARIADB_COMMANDS if c.is_mariadb else [])
    result = [(sql, query(sql)) for sql in statements] + result + ([] if c.is_mariadb else MYSQL_COMMANDS)
    return result + (LARGE if name in ("eof", "all") else [])


UUID = rb"[0-9a-f]{8}-[0-9a-f-]{27}"
COUNTED = re.compile(rb"\x03.\x00." + UUID + rb":[0-9:-]+|\x00.\x0cstatement_id.\d+", re.S)


def without_counters(payload):
    """An OK that tells of a GTID or a statement's number, without it and the lengths that count it."""
    if not COUNTED.search(payload) or payload[:1] not in (b"\0", b"\xfe"):
        return payload
    info_len, at = lenenc(payload, told(payload)[-1])
    at += info_len
    return payload[:at] + b"L" + COUNTED.sub(b"#", payload[at + 1:])


def told(payload):
    """What an OK says before its texts: numbers, status, warnings; and where that ends."""
    affected, at = lenenc(payload, 1)
    made, at = lenenc(payload, at)
    status, warnings = struct.unpack("<HH", payload[at:at + 4])
    return (affected, made, warnings), status & ~STATE_CHANGED, status & STATE_CHANGED, at + 4


def masked(payload):
    payload = re.sub(rb"(" + UUID + rb"):[0-9-]+", rb"\1:N", without_counters(payload))
    payload = re.sub(rb"..\x00..\tlast_gtid.\d+-\d+-\d+|...\tlast_gtid.\d+-\d+-\d+", b"G", payload, flags=re.S)
    payload = re.sub(rb"statement \(\d+\)", b"statement", payload)
    return re.sub(rb"(Uptime|Threads|Questions|Slow queries|Opens|Open tables|Queries per second avg|Flush tables): +[0-9.]+", b"N", payload)


def transcript(port, name):
    caps = CLIENTS[name]
    attrs = {"_client_name": "wire"} if caps & CONNECT_ATTRS else None
    with WireClient(port) as c:
        for sql in SETUP:
            reply = c.query(sql)
            assert reply[-1][1][0] != 0xff, reply
        c.query("SET GLOBAL max_allowed_packet = 64 << 20")
    c = WireClient(port, caps, db="wire", attrs=attrs)
    out = [("greeting", [(c.greeting_packet[0], f"{c.version} {c.charset} {c.status:x} {c.plugin} {len(c.nonce)}".encode())]),
           ("capabilities", [(0, b"%x" % c.caps)]), ("login", [(0, c.login_ok)])]
    for step, run in steps(c, name):
        try:
            out.append((step, [(seq, masked(payload)) for seq, payload in run(c)]))
        except ErrorPacket as e:
            out.append((step, [(0, str(e).encode())]))
        except Gone:
            out.append((step, [(0, b"hung up")]))
            c = WireClient(port, caps, db="wire", attrs=attrs)
    c.close()
    return out


def is_eof(payload):
    return len(payload) == 5 and payload[:1] == b"\xfe"


def differs(direct, relayed, caps, is_mariadb, shares, is_last):
    """Do two packets differ in what is not excused? shares: pool.mode transaction, where connections have the newer protocol."""
    (number, theirs), (our_number, ours) = direct, relayed
    if direct == relayed or number != our_number or caps & DEPRECATE_EOF:
        return direct != relayed
    if is_eof(theirs) and is_eof(ours):
        # MariaDB tells of session state in its EOF, even those clients who never hear of it: the relay does not. An EOF
        # behind definitions tells of warnings which the newer protocol tells of behind the rows.
        state = STATE_CHANGED >> 8 if is_mariadb and (shares or not caps & SESSION_TRACK) else 0
        warnings_agree = theirs[1:3] == ours[1:3] or (shares and not is_last)
        return not warnings_agree or theirs[3] != ours[3] or (theirs[4] ^ ours[4]) & ~state != 0
    if shares and caps & SESSION_TRACK and theirs[:1] == ours[:1] == b"\0" and len(theirs) > 6 and len(ours) > 6:
        # Session state that the server could not tell this client with the EOF of an earlier statement.
        numbers, status, changed, _ = told(theirs)
        return (numbers, status) != told(ours)[:2] or not changed
    return True


# What the relay does in its modes, and with compression to the server.
WAYS = {
    "session": [],
    "transaction": ["--pool-mode", "transaction"],
    "session-zlib": ["--storage-mysql-compression", "zlib"],
    "transaction-zlib": ["--pool-mode", "transaction", "--storage-mysql-compression", "zlib"],
}
PAIRS = [(way, name) for way in ("session", "transaction") for name in CLIENTS] + [("session-zlib", "all"), ("transaction-zlib", "eof")]


@pytest.fixture(scope="module")
def direct(relays):
    """What a server itself answers; asked once."""
    known = {}

    def ask(dialect, name):
        if (dialect, name) not in known:
            known[dialect, name] = transcript(relays.upstream(dialect).port, name)
        return known[dialect, name]

    return ask


@pytest.mark.parametrize("way,name", PAIRS, ids=["-".join(pair) for pair in PAIRS])
@pytest.mark.parametrize("dialect", ["mysql", "mariadb"])
def test_replies_are_the_same_bytes(relays, direct, way, dialect, name):
    relay = relays.relay(dialect, *WAYS[way])
    expected, relayed = direct(dialect, name), transcript(relay.port, name)
    assert len(expected) == len(relayed)
    bad = []
    for (step, theirs), (_, ours) in zip(expected, relayed):
        same = len(theirs) == len(ours)
        for at, (one, other) in enumerate(zip(theirs, ours), 1):
            if differs(one, other, CLIENTS[name], dialect == "mariadb", "transaction" in way, at == len(theirs)):
                same = False
                bad.append(f"{step[:100]}: {one[0], one[1][:100]} became {other[0], other[1][:100]}")
                break
        if not same and len(theirs) != len(ours):
            bad.append(f"{step[:100]}: {len(theirs)} packets became {len(ours)}")
    assert not bad, "\n".join(bad)


@pytest.mark.parametrize("mode,caps", [("session", BASE), ("transaction", BASE | DEPRECATE_EOF)], ids=["session", "transaction"])
def test_progress_reports(relays, shared_work, mode, caps):
    """MariaDB tells who has asked for it, and nobody else, how far a long statement is."""
    relay = relays.relay("mariadb", "--pool-mode", mode)
    path = shared_work / f"progress-{mode}"
    relay.upstream.query(f"SELECT seq INTO OUTFILE '{path}' FROM mysql.seq_1_to_25")
    relay.upstream.query("CREATE DATABASE IF NOT EXISTS progress")
    relay.upstream.query("CREATE TABLE IF NOT EXISTS progress.t (i INT)")
    for asked in (MARIADB_PROGRESS, 0):
        relay.upstream.query("TRUNCATE progress.t")
        with WireClient(relay.port, caps | asked) as client:
            client.query("SET progress_report_time = 1")  # Seconds: the first report is behind as many.
            packets = client.query(f"LOAD DATA INFILE '{path}' INTO TABLE progress.t (@n) SET i = @n + SLEEP(0.06)")
            assert [sequence for sequence, _ in packets] == list(range(1, len(packets) + 1))
            *reports, (_, ok) = packets
            assert ok[:2] == b"\0\x19", ok
            assert bool(reports) == bool(asked), packets
            assert all(report[:3] == b"\xff\xff\xff" for _, report in reports), reports
            assert client.value("SELECT SUM(i) FROM progress.t") == "325"
