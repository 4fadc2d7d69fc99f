#!/usr/bin/env python3
"""Records packets of a real server for test_recorded.c.

    record.py HOST:PORT OUTPUT-FILE [CLIENT-PROGRAM ARG...]

The server has a user root without a password (as tests/servers starts it). Each line of the output is a kind of packet,
the capabilities in force (hexadecimal), and the payload (hexadecimal). With a client program, that program is
also run, against a relay, and what it sends is recorded.
"""
import socket
import struct
import subprocess
import sys
import threading

LONG_PASSWORD, FOUND_ROWS, LONG_FLAG, WITH_DB = 1, 2, 4, 8
LOCAL_FILES, PROTOCOL_41, TRANSACTIONS, SECURE = 1 << 7, 1 << 9, 1 << 13, 1 << 15
MULTI_STATEMENTS, MULTI_RESULTS, PS_MULTI_RESULTS, PLUGIN_AUTH = 1 << 16, 1 << 17, 1 << 18, 1 << 19
LENENC, SESSION_TRACK, DEPRECATE_EOF, OPTIONAL_METADATA = 1 << 21, 1 << 23, 1 << 24, 1 << 25
QUERY_ATTRIBUTES = 1 << 27
MARIADB_EXTENDED_METADATA, MARIADB_CACHE_METADATA = 1 << 35, 1 << 36

BASE = (LONG_FLAG | LOCAL_FILES | PROTOCOL_41 | TRANSACTIONS | SECURE | MULTI_STATEMENTS | MULTI_RESULTS
        | PS_MULTI_RESULTS | PLUGIN_AUTH | LENENC)

TABLE = """CREATE TABLE pkt.t (
 i8 TINYINT, u8 TINYINT UNSIGNED, i16 SMALLINT, u16 SMALLINT UNSIGNED, i24 MEDIUMINT, u24 MEDIUMINT UNSIGNED,
 i32 INT NOT NULL AUTO_INCREMENT PRIMARY KEY, u32 INT UNSIGNED, i64 BIGINT, u64 BIGINT UNSIGNED,
 f FLOAT, d DOUBLE, n DECIMAL(20,5), bit5 BIT(5), y YEAR, dt DATE, tm TIME(6), dtm DATETIME(6), ts TIMESTAMP NULL,
 c CHAR(10), v VARCHAR(20) CHARACTER SET latin1 DEFAULT 'x', b BINARY(4), vb VARBINARY(8), tx TEXT, bl BLOB,
 e ENUM('a','b'), s SET('x','y'), j JSON, g GEOMETRY, tb TINYBLOB, lb LONGTEXT, UNIQUE KEY (u32), KEY (v))"""

ROWS = [
    "(-128,255,-32768,65535,-8388608,16777215,1,4294967295,-9223372036854775808,18446744073709551615,"
    "1.5,-2.25,-123456789012345.12345,b'10101',2024,'2024-02-29','-838:59:59.000000','2024-02-29 23:59:59.123456',"
    "'2024-01-01 00:00:01','a','caf\\u00e9',x'00ff',x'000102','text','blob','b','x,y','{\"a\": 1}',"
    "ST_GeomFromText('POINT(1 2)'),'tb','long')".replace("\\u00e9", "\u00e9"),
    "(1,1,1,1,1,1,2,1,1,1,0,0,0,b'0',0,'2000-01-01','00:00:00','2000-01-01 00:00:00','2000-01-01 10:00:00',"
    "'','','','','','','a','','[]',NULL,NULL,NULL)",
    "(NULL,NULL,NULL,NULL,NULL,NULL,3" + ",NULL" * 24 + ")",
    "(1,1,1,1,1,1,4,2,1,1,0,0,0,b'0',0,'2000-01-01','12:34:56.5','2000-01-01 10:00:00',NULL,"
    "'','','','','','','a','','[]',NULL,NULL,NULL)",
]


def lenenc(data):
    assert len(data) < 251
    return bytes([len(data)]) + data


class Session:
    """A connection that records what it receives."""

    def __init__(self, address, caps, out):
        self.sock = socket.create_connection(address)
        self.sock.settimeout(10)
        self.out, self.caps, self.want = out, 0, caps

    def read(self):
        def exactly(n):
            data = b""
            while len(data) < n:
                more = self.sock.recv(n - len(data))
                if not more:
                    raise EOFError
                data += more
            return data
        head = exactly(4)
        self.seq = head[3] + 1
        return exactly(int.from_bytes(head[:3], "little"))

    def send(self, payload):
        self.sock.sendall(len(payload).to_bytes(3, "little") + bytes([self.seq & 255]) + payload)

    def log(self, kind, payload):
        self.out.append((kind, self.caps, payload))

    def login(self, user=b"root", auth=b"", plugin=b"mysql_native_password"):
        greeting = self.read()
        self.log("handshake", greeting)
        tail = greeting.index(0, 1) + 1
        offered = struct.unpack_from("<H", greeting, tail + 13)[0] | struct.unpack_from("<H", greeting, tail + 18)[0] << 16
        if not offered & LONG_PASSWORD:
            offered |= struct.unpack_from("<I", greeting, tail + 27)[0] << 32
        self.caps = self.want & offered
        if offered & LONG_PASSWORD:
            self.caps |= LONG_PASSWORD
        high = 0 if self.caps & LONG_PASSWORD else self.caps >> 32
        self.send(struct.pack("<IIB19sI", self.caps & 0xffffffff, 1 << 24, 45, b"", high) + user + b"\0" + lenenc(auth)
                  + plugin + b"\0")
        while True:
            reply = self.read()
            if reply[0] == 0:
                self.log("ok", reply)
                return True
            if reply[0] == 0xff:
                self.log("err", reply)
                return False
            if reply[0] == 0xfe:
                self.log("auth_switch", reply)
                self.send(auth)
            else:
                self.log("auth_more", reply)
                if reply[1:2] == b"\x04":
                    self.send(b"\x02")
                elif reply[1:2] != b"\x03":
                    return False  # The public key: enough has been seen.

    def command(self, payload):
        self.seq = 0
        self.send(payload)

    def log_end(self, reply):
        if reply[0] == 0xff:
            self.log("err", reply)
        elif self.caps & DEPRECATE_EOF:
            self.log("ok_end", reply)
        else:
            self.log("eof", reply)

    def is_end(self, reply):
        return reply[0] == 0xff or (reply[0] == 0xfe and (self.caps & DEPRECATE_EOF or len(reply) < 9))

    def columns(self, count, kind="column"):
        for _ in range(count):
            self.log(kind, self.read())
        if count and not self.caps & DEPRECATE_EOF:
            self.log("eof", self.read())

    def result(self, row_kind):
        while True:
            reply = self.read()
            if reply[0] == 0:
                self.log("ok", reply)
            elif reply[0] == 0xff:
                self.log("err", reply)
            elif reply[0] == 0xfb:
                self.log("infile", reply)
                self.send(b"")
                continue
            else:
                return self.result_set(reply, row_kind)
            return

    def result_set(self, head, row_kind):
        self.log("head", head)
        count = head[0]
        flag = head[1] if self.caps & (OPTIONAL_METADATA | MARIADB_CACHE_METADATA) else 1
        if flag:
            self.columns(count)
        elif not self.caps & DEPRECATE_EOF:
            self.log("eof", self.read())
        self.rows(row_kind)

    def query(self, sql):
        attrs = b"\0\1" if self.caps & QUERY_ATTRIBUTES else b""
        self.command(b"\x03" + attrs + sql.encode())
        self.result("text_row")

    def prepare(self, sql):
        self.command(b"\x16" + sql.encode())
        reply = self.read()
        if reply[0]:
            self.log("err", reply)
            return 0
        self.log("prepare_ok", reply)
        columns, params = struct.unpack_from("<HH", reply, 5)
        self.columns(params)
        self.columns(columns)
        return struct.unpack_from("<I", reply, 1)[0]

    def execute(self, stmt, tail=b"", flags=0):
        self.command(struct.pack("<BIBI", 0x17, stmt, flags, 1) + tail)
        self.result("binary_row")

    def fetch(self, stmt, tail):
        """Opens a cursor, which answers with the columns only, and fetches from it."""
        self.command(struct.pack("<BIBI", 0x17, stmt, 1, 1) + tail)
        head = self.read()
        self.log("head", head)
        count = head[0]
        if self.caps & (OPTIONAL_METADATA | MARIADB_CACHE_METADATA) and not head[1]:
            count = 0
        for _ in range(count):
            self.log("column", self.read())
        self.log_end(self.read())
        self.command(struct.pack("<BII", 0x1c, stmt, 10))
        self.rows("binary_row")

    def rows(self, row_kind):
        while not self.is_end(reply := self.read()):
            self.log(row_kind, reply)
        self.log_end(reply)


def set_up(address, out):
    s = Session(address, BASE, [])
    s.login()
    is_mariadb = not s.caps & LONG_PASSWORD
    for sql in ["DROP DATABASE IF EXISTS pkt", "CREATE DATABASE pkt CHARACTER SET utf8mb4", "SET NAMES utf8mb4",
                "SET sql_mode=''", TABLE,
                "DROP USER IF EXISTS pkt@'%'", "CREATE USER pkt@'%' IDENTIFIED BY 'pintail'"]:
        s.query(sql)
    for row in ROWS:
        s.query("INSERT INTO pkt.t VALUES " + row)
    bad = [r for r in s.out if r[0] == "err"]
    assert not bad, bad
    return is_mariadb


def record(address, out):
    is_mariadb = set_up(address, out)
    for caps in [BASE, BASE | DEPRECATE_EOF, BASE | DEPRECATE_EOF | SESSION_TRACK | MARIADB_EXTENDED_METADATA,
                 BASE | OPTIONAL_METADATA | MARIADB_CACHE_METADATA,
                 BASE | DEPRECATE_EOF | QUERY_ATTRIBUTES]:
        s = Session(address, caps, out)
        assert s.login(plugin=b"mysql_native_password" if is_mariadb else b"caching_sha2_password")
        if caps & SESSION_TRACK:
            s.query("SET session_track_schema=1, session_track_system_variables='*', session_track_state_change=1, "
                    "session_track_transaction_info='CHARACTERISTICS'")
        for sql in ["SET NAMES utf8mb4", "USE pkt", "SELECT 1 + 1 AS two, NULL, 'x'", "SELECT * FROM t", "SELECT 1/0",
                    "SELECT * FROM nowhere", "UPDATE t SET n = 1 WHERE i32 = 2", "START TRANSACTION READ ONLY", "COMMIT",
                    "LOAD DATA LOCAL INFILE '/nowhere/x.csv' INTO TABLE t"]:
            s.query(sql)
        stmt = s.prepare("SELECT * FROM t WHERE i32 < ?")
        params = b"\0\1\3\0" + struct.pack("<I", 4)
        if s.caps & QUERY_ATTRIBUTES:
            params = b"\1\0\1\3\0\0" + struct.pack("<I", 4)
        s.execute(stmt, params)
        if caps & OPTIONAL_METADATA:
            # Results without metadata: on request, or because the client has had the same before.
            if not is_mariadb:
                s.query("SET resultset_metadata=NONE")
                s.query("SELECT 1")
            s.execute(stmt, b"\0\0" + struct.pack("<I", 4))
        s.fetch(stmt, params)
        if caps & QUERY_ATTRIBUTES and s.caps & QUERY_ATTRIBUTES:
            s.execute(stmt, b"\2\0\1\3\0\0\x03\0\1a" + struct.pack("<II", 4, 7), flags=8)
        s.command(b"\x04t\0")
        s.rows("field")
    s = Session(address, BASE, out)
    s.login(user=b"nobody", auth=b"x" * 20)
    s = Session(address, BASE, out)
    s.login(user=b"pkt", auth=b"x" * 32)


def relay(address, out, program):
    """Runs a client against a relay and records its login and queries."""
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]

    def pump(source, to, sink):
        while data := source.recv(65536):
            if sink is not None:
                sink.append(data)
            to.sendall(data)
        to.shutdown(socket.SHUT_WR)

    def serve():
        while True:
            client, _ = server.accept()
            upstream, sent = socket.create_connection(address), []
            t = threading.Thread(target=pump, args=(upstream, client, None), daemon=True)
            t.start()
            pump(client, upstream, sent)
            t.join()
            sessions.append(b"".join(sent))
            done.set()

    sessions, done = [], threading.Event()
    threading.Thread(target=serve, daemon=True).start()
    subprocess.run([a.replace("PORT", str(port)) for a in program], check=True, stdout=subprocess.DEVNULL)
    done.wait(10)
    for data in sessions:
        caps = int.from_bytes(data[4:8], "little")
        if not caps & LONG_PASSWORD:
            caps |= int.from_bytes(data[32:36], "little") << 32
        kind = "login"
        while data:
            length = int.from_bytes(data[:3], "little")
            payload, data = data[4:4 + length], data[4 + length:]
            if kind == "login":
                out.append(("login", caps, payload))
            elif payload[:1] == b"\x03":
                out.append(("query", caps, payload))
            kind = "command"


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    address, out = (host, int(port)), []
    record(address, out)
    if len(sys.argv) > 3:
        relay(address, out, sys.argv[3:])
    seen, lines = set(), []
    for kind, caps, payload in out:
        line = f"{kind} {caps:x} {payload.hex() or '-'}"
        # Rows need the columns before them, so those are kept however often they come.
        if line not in seen or kind in ("column", "head", "prepare_ok") or kind.endswith("row"):
            lines.append(line)
            seen.add(line)
    with open(sys.argv[2], "w", encoding="ascii") as f:
        f.write("\n".join(lines) + "\n")


main()
