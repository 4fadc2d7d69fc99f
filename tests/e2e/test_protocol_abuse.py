"""Packets no client would send, and clients that send none. The server answers or hangs up, and goes on with the others."""

import os
import random
import socket
import struct
import time

import pymysql
import pytest
from conftest import error_of, run
from rawclient import Error, RawClient


class Raw:
    """A socket that speaks packets, or what looks like them."""

    def __init__(self, server, seconds=15):
        self.sock = socket.create_connection(("127.0.0.1", server.port), seconds)

    def send(self, data):
        try:
            self.sock.sendall(data)
        except OSError:
            pass  # the server has hung up, as it may

    def packet(self, payload, sequence):
        self.send(struct.pack("<I", len(payload))[:3] + bytes([sequence]) + payload)

    def receive(self):
        """One packet's payload; None when the server has hung up."""
        header = self._take(4)
        if header is None:
            return None
        return self._take(int.from_bytes(header[:3], "little"))

    def _take(self, n):
        data = b""
        while len(data) < n:
            try:
                piece = self.sock.recv(n - len(data))
            except ConnectionResetError:
                return None
            if not piece:
                return None
            data += piece
        return data

    def hung_up(self):
        """Reads until the server hangs up."""
        try:
            while self.sock.recv(65536):
                pass
        except ConnectionResetError:
            pass
        return True

    def close(self):
        self.sock.close()


def error_code(payload):
    return struct.unpack("<H", payload[1:3])[0] if payload is not None and payload[:1] == b"\xff" else None


def login(raw, user=b"root", capabilities=0x0000A205 | 0x00080000):
    raw.receive()
    raw.packet(struct.pack("<IIB23x", capabilities, 1 << 24, 45) + user + b"\0" + b"\0" + b"caching_sha2_password\0", 1)
    return raw.receive()


@pytest.fixture
def raw(server):
    opened = []

    def connect():
        opened.append(Raw(server))
        return opened[-1]

    yield connect
    for r in opened:
        r.close()
    server.assert_alive()


@pytest.fixture
def logged_in(raw):
    r = raw()
    reply = login(r)
    assert reply[:1] == b"\0", reply
    return r


# ---- Before and during login ----

def test_greeting(raw):
    greeting = raw().receive()
    assert greeting[0] == 10 and b"caching_sha2_password" in greeting


@pytest.mark.parametrize("data", [b"", b"\0", b"\x20\0\0", b"\x20\0\0\1", b"\x20\0\0\1abc"], ids=lambda d: str(len(d)))
def test_truncated_reply(raw, data):
    r = raw()
    r.receive()
    r.send(data)
    r.sock.shutdown(socket.SHUT_WR)
    assert r.hung_up()


def test_every_truncation_of_a_login(raw):
    whole = struct.pack("<IIB23x", 0x0008A205, 1 << 24, 45) + b"root\0\0caching_sha2_password\0"
    for n in range(0, len(whole), 3):
        r = raw()
        r.receive()
        r.packet(whole[:n], 1)
        assert error_code(r.receive()) in (1043, 1045, 1047, 1153, 1156, 3118, None) or n >= 33
        r.close()


def test_wrong_sequence_number_in_login(raw):
    r = raw()
    r.receive()
    r.packet(struct.pack("<IIB23x", 0x0008A205, 1 << 24, 45) + b"root\0\0", 7)
    assert error_code(r.receive()) in (1043, 1156, None)


def test_huge_login_packet(raw):
    r = raw()
    r.receive()
    r.send(b"\xff\xff\xff\1" + b"x" * (4 << 20))
    r.sock.shutdown(socket.SHUT_WR)
    assert r.hung_up()


def test_http_request(raw):
    r = raw()
    r.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" + b"x" * 100000)
    assert r.hung_up()


def test_tls_hello_without_ssl_request(raw):
    r = raw()
    r.receive()
    r.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(600))
    r.sock.shutdown(socket.SHUT_WR)
    assert r.hung_up()


def test_garbage_after_ssl_request(raw):
    r = raw()
    r.receive()
    r.packet(struct.pack("<IIB23x", 0x0008A205 | 0x800, 1 << 24, 45), 1)
    r.send(os.urandom(1000))
    r.sock.shutdown(socket.SHUT_WR)
    assert r.hung_up()


def test_silence_ends_after_connect_timeout(server, raw):
    server.query("SET GLOBAL connect_timeout = 2")
    try:
        r = raw()
        began = time.monotonic()
        r.receive()
        assert r.hung_up()
        assert 1 < time.monotonic() - began < 10
    finally:
        server.query("SET GLOBAL connect_timeout = 10")


def test_wrong_password_takes_a_while(server):
    server.query("CREATE USER IF NOT EXISTS abuse IDENTIFIED BY 'right'")
    times = []
    for _ in range(4):
        began = time.monotonic()
        with pytest.raises(pymysql.err.OperationalError) as e:
            server.connect(user="abuse", password="wrong")
        assert e.value.args[0] == 1045
        times.append(time.monotonic() - began)
    assert max(times) > 0.05
    server.connect(user="abuse", password="right").close()
    server.query("DROP USER abuse")


def test_unknown_user(server):
    with pytest.raises(pymysql.err.OperationalError) as e:
        server.connect(user="nobody_knows", password="x")
    assert e.value.args[0] == 1045


def test_unknown_database(server):
    with pytest.raises(pymysql.err.OperationalError) as e:
        server.connect(database="nowhere")
    assert e.value.args[0] == 1049


# ---- Commands ----

def test_unknown_commands(logged_in):
    for command in (0x00, 0x0B, 0x0F, 0x10, 0x14, 0x21, 0x55, 0xFE):
        logged_in.packet(bytes([command]) + b"abc", 0)
        reply = logged_in.receive()
        assert error_code(reply) is not None, (command, reply)
    logged_in.packet(b"\x0e", 0)
    assert logged_in.receive()[:1] == b"\0"


def test_empty_packet(logged_in):
    logged_in.packet(b"", 0)
    reply = logged_in.receive()
    assert reply is None or error_code(reply) is not None


def test_out_of_order_command(logged_in):
    logged_in.packet(b"\x03SELECT 1", 5)
    assert error_code(logged_in.receive()) in (1156, None)


@pytest.mark.parametrize("payload", [b"\x17", b"\x17\1\0\0", b"\x17\xff\xff\xff\xff\0\1\0\0\0", b"\x18\1\0", b"\x19",
                                     b"\x1c\1\0\0\0", b"\x1a", b"\x1b", b"\x04", b"\x0c", b"\x11", b"\x11root", b"\x05"],
                         ids=lambda p: p.hex())
def test_malformed_commands(raw, payload):
    r = raw()
    login(r)
    r.packet(payload, 0)
    if payload[0] in (0x18, 0x19):  # these have no reply
        r.packet(b"\x0e", 0)
    reply = r.receive()
    assert reply is None or reply[0] in (0x00, 0xFF, 0xFE)


def test_prepared_statement_with_broken_parameters(server, raw):
    rng = random.Random(1)
    for _ in range(60):
        r = raw()
        login(r)
        r.packet(b"\x16SELECT ?, ?, ?", 0)
        reply = r.receive()
        assert reply[0] == 0
        statement = reply[1:5]
        for _ in range(8):  # parameters, columns, and their ends
            r.receive()
        r.packet(b"\x17" + statement + b"\0\1\0\0\0" + rng.randbytes(rng.randrange(0, 40)), 0)
        r.sock.settimeout(5)
        r.receive()
        r.close()


def test_random_packets(server, raw):
    rng = random.Random(2)
    for _ in range(40):
        r = raw()
        login(r)
        for _ in range(rng.randrange(1, 6)):
            r.packet(rng.randbytes(rng.randrange(1, 200)), 0)
        r.close()


def test_random_bytes(server, raw):
    rng = random.Random(3)
    for _ in range(40):
        r = raw()
        r.send(rng.randbytes(rng.randrange(1, 5000)))
        r.close()


def test_client_that_reads_nothing(server, raw):
    """A large result for a client that does not read: others go on, and the memory is bounded."""
    before = server.resident()
    stuck = [raw() for _ in range(3)]
    for r in stuck:
        login(r)
        r.packet(b"\x03SELECT a.name, b.name FROM shared.large a JOIN shared.large b ON b.id < 100", 0)
    time.sleep(1)
    began = time.monotonic()
    assert server.query("SELECT COUNT(*) FROM shared.large") == ((100000,),)
    assert time.monotonic() - began < 5
    assert server.resident() - before < 256 << 20
    for r in stuck:
        r.close()


# ---- Statements ----

def test_100_mib_statement(server):
    with server.connect(max_allowed_packet=1 << 30) as c:
        code = None
        try:
            with c.cursor() as cursor:
                cursor.execute("SELECT LENGTH('" + "x" * (100 << 20) + "')")
        except pymysql.err.InternalError:
            code = 1153  # the error came before the client had numbered all its packets
        except pymysql.MySQLError as e:
            code = e.args[0]
        except OSError:
            code = 2013  # hung up while it was sending
        # The server says 1153 and hangs up; the client may see only the latter.
        assert code in (1153, 2006, 2013)
    server.assert_alive()


def test_1153_is_said(logged_in):
    """A packet larger than max_allowed_packet, told from its first header on."""
    for sequence in range(5):
        logged_in.send(b"\xff\xff\xff" + bytes([sequence]) + b"\x03" * 0xFFFFFF)
    assert error_code(logged_in.receive()) == 1153


def test_20_mib_statement(server):
    with server.connect() as c:
        assert run(c, "SELECT LENGTH('" + "x" * (20 << 20) + "')") == ((20 << 20,),)


@pytest.mark.parametrize("sql", ["SELECT " + "(" * 5000 + "1" + ")" * 5000, "SELECT " + "-(" * 5000 + "1" + ")" * 5000,
                                 "SELECT " + "NOT " * 50000 + "1", "SELECT 1" + " + 1" * 50000,
                                 "SELECT * FROM " + "(SELECT * FROM " * 3000 + "shared.large" + ") t" * 3000,
                                 "SELECT " + "ABS(" * 5000 + "1" + ")" * 5000, "SELECT " + "(" * 100000,
                                 "SELECT " + "CASE WHEN 1 THEN " * 5000 + "1" + " END" * 5000,
                                 "SELECT COUNT(*) FROM shared.large WHERE " + "id + " * 20000 + "1 > 0",
                                 "SELECT COUNT(*) FROM shared.large WHERE " + "id = 1 OR " * 20000 + "id = 2",
                                 "SELECT 1" + " UNION ALL SELECT 1" * 3000],
                         ids=["parentheses", "minus", "not", "plus", "derived", "calls", "open", "case", "plus-column", "or",
                              "union"])
def test_deep_statements(server, sql):
    """An answer or an error of MySQL's, and the server goes on."""
    with server.connect(read_timeout=60) as c:
        code = error_of(c, sql)
        assert code in (None, 1064, 1436, 1235, 1248, 1060, 1690, 3170, 1038, 1105, 3100, 1473), code
        assert run(c, "SELECT 1") == ((1,),)


def test_invalid_utf8(server):
    """As in MySQL: the bytes come back, the column's name shows '?'."""
    c = RawClient(server.port)
    for text in (b"\xff", b"\xc3", b"\xe4\xb8", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"a\x80b"):
        c._command(3, b"SELECT '" + text + b"' AS given, 'a" + text + b"b'")
        result = c._result(c._text_row)
        assert result.rows == [(text, b"a" + text + b"b")]
        assert result.columns[1].name == "a" + "?" * (len(text) if text[0] != 0x61 else 0) + "b" or b"a\x80b" == text
    c._command(3, b"SELECT \xff\xfe(")
    with pytest.raises(Error) as e:
        c._result(c._text_row)
    assert e.value.code in (1064, 1300)
    c.close()


def test_invalid_utf8_into_a_table(session):
    c = session()
    run(c, "CREATE TABLE t (name VARCHAR(20))")
    c._execute_command(3, b"INSERT INTO t VALUES ('a\xffb')")
    with pytest.raises(pymysql.MySQLError) as e:
        c._read_query_result()
    assert e.value.args[0] in (1300, 1366)
    assert run(c, "SELECT COUNT(*) FROM t") == ((0,),)


def test_many_connections_come_and_go(server):
    for _ in range(200):
        socket.create_connection(("127.0.0.1", server.port), 5).close()
    server.assert_alive()
