"""A client that chooses its capabilities and keeps every packet as it came: for comparing two servers byte for byte.

    c = WireClient(port, caps=BASE | DEPRECATE_EOF, user="root")
    packets = c.command(COM_QUERY, b"SELECT 1")      [(sequence, payload), ...] of the whole reply

Replies are followed as the client's own capabilities say, so that a server which answers by others is noticed.
"""

import hashlib
import socket
import ssl
import struct

LONG_PASSWORD, FOUND_ROWS, LONG_FLAG, CONNECT_WITH_DB = 1, 2, 4, 8
COMPRESS, LOCAL_FILES, PROTOCOL_41, INTERACTIVE, SSL = 1 << 5, 1 << 7, 1 << 9, 1 << 10, 1 << 11
TRANSACTIONS, SECURE_CONNECTION, MULTI_STATEMENTS, MULTI_RESULTS = 1 << 13, 1 << 15, 1 << 16, 1 << 17
PS_MULTI_RESULTS, PLUGIN_AUTH, CONNECT_ATTRS, PLUGIN_AUTH_LENENC = 1 << 18, 1 << 19, 1 << 20, 1 << 21
EXPIRED_PASSWORDS, SESSION_TRACK, DEPRECATE_EOF = 1 << 22, 1 << 23, 1 << 24
OPTIONAL_METADATA, QUERY_ATTRIBUTES = 1 << 25, 1 << 27
# MariaDB's, in the upper half.
MARIADB_PROGRESS, MARIADB_STMT_BULK, MARIADB_EXTENDED_METADATA = 1 << 32, 1 << 34, 1 << 35
MARIADB_CACHE_METADATA, MARIADB_BULK_UNIT_RESULTS = 1 << 36, 1 << 37

BASE = (LONG_FLAG | LOCAL_FILES | PROTOCOL_41 | TRANSACTIONS | SECURE_CONNECTION | MULTI_STATEMENTS | MULTI_RESULTS |
        PS_MULTI_RESULTS | PLUGIN_AUTH | PLUGIN_AUTH_LENENC | EXPIRED_PASSWORDS)

(COM_SLEEP, COM_QUIT, COM_INIT_DB, COM_QUERY, COM_FIELD_LIST, COM_CREATE_DB, COM_DROP_DB, COM_REFRESH, COM_SHUTDOWN,
 COM_STATISTICS, COM_PROCESS_INFO, COM_CONNECT, COM_PROCESS_KILL, COM_DEBUG, COM_PING, COM_TIME, COM_DELAYED_INSERT,
 COM_CHANGE_USER, COM_BINLOG_DUMP, COM_TABLE_DUMP, COM_CONNECT_OUT, COM_REGISTER_SLAVE, COM_STMT_PREPARE,
 COM_STMT_EXECUTE, COM_STMT_SEND_LONG_DATA, COM_STMT_CLOSE, COM_STMT_RESET, COM_SET_OPTION, COM_STMT_FETCH,
 COM_DAEMON, COM_BINLOG_DUMP_GTID, COM_RESET_CONNECTION) = range(32)
COM_STMT_BULK_EXECUTE = 0xfa

MORE_RESULTS, CURSOR_EXISTS, PS_OUT_PARAMS = 8, 64, 4096
MAX_PACKET = 0xffffff


class Gone(Exception):
    """The server hung up."""


class ErrorPacket(Exception):
    """An ERR during login."""

    def __init__(self, payload):
        self.code = struct.unpack("<H", payload[1:3])[0]
        self.text = payload[3:].decode("utf-8", "replace")
        super().__init__(self.code, self.text)


def lenenc(data, pos=0):
    """(value, position behind it)"""
    first = data[pos]
    if first < 0xfb:
        return first, pos + 1
    size = {0xfc: 2, 0xfd: 3, 0xfe: 8}[first]
    return int.from_bytes(data[pos + 1:pos + 1 + size], "little"), pos + 1 + size


def put_lenenc(data):
    n = len(data)
    if n < 0xfb:
        return bytes([n]) + data
    if n < 1 << 16:
        return b"\xfc" + n.to_bytes(2, "little") + data
    return b"\xfd" + n.to_bytes(3, "little") + data


def native_answer(password, nonce):
    if not password:
        return b""
    one = hashlib.sha1(password).digest()
    two = hashlib.sha1(nonce[:20] + hashlib.sha1(one).digest()).digest()
    return bytes(a ^ b for a, b in zip(one, two))


def sha2_answer(password, nonce):
    if not password:
        return b""
    one = hashlib.sha256(password).digest()
    two = hashlib.sha256(hashlib.sha256(one).digest() + nonce[:20]).digest()
    return bytes(a ^ b for a, b in zip(one, two))


class WireClient:
    """One connection, logged in unless login=False."""

    def __init__(self, port, caps=BASE, user="root", password="", db=None, collation=45, seconds=20, tls=False,
                 attrs=None, login=True, host="127.0.0.1", prelude=b""):
        self.sock = socket.create_connection((host, port), seconds)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.seq = 0
        self.user, self.password, self.collation = user, password.encode(), collation
        if prelude:
            self.sock.sendall(prelude)
        self._greet()
        self.caps = caps & self.offered
        if self.is_mariadb:
            self.caps &= ~LONG_PASSWORD
        else:
            self.caps |= LONG_PASSWORD
        self.login_ok = None
        if login:
            self._login(db, tls, attrs)

    # ---- packets ----

    def _take(self, n):
        have, pieces = len(self.buffer), [self.buffer]
        while have < n:
            try:
                piece = self.sock.recv(1 << 18)
            except ConnectionError as e:
                raise Gone(str(e)) from None
            if not piece:
                raise Gone("end of stream")
            pieces.append(piece)
            have += len(piece)
        if len(pieces) > 1:
            self.buffer = b"".join(pieces)
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def packet(self):
        """(sequence, payload) of the next packet as it travels."""
        header = self._take(4)
        return header[3], self._take(int.from_bytes(header[:3], "little"))

    def send_packet(self, payload, seq):
        data = b""
        while True:
            piece, payload = payload[:MAX_PACKET], payload[MAX_PACKET:]
            data += struct.pack("<I", len(piece))[:3] + bytes([seq & 255]) + piece
            seq += 1
            if len(piece) < MAX_PACKET:
                break
        self.send(data)
        return seq

    def send(self, data):
        try:
            self.sock.sendall(data)
        except ConnectionError as e:
            raise Gone(str(e)) from None

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- login ----

    def _greet(self):
        self.greeting_packet = self.packet()
        data = self.greeting_packet[1]
        if data[:1] == b"\xff":
            raise ErrorPacket(data)
        end = data.index(b"\0", 1)
        self.version = data[1:end].decode()
        self.id, = struct.unpack("<I", data[end + 1:end + 5])
        nonce, at = data[end + 5:end + 13], end + 14
        low, self.charset, self.status, high, nonce_len = struct.unpack("<HBHHB", data[at:at + 8])
        self.offered = low | high << 16
        if not low & 1:  # MariaDB's own flags stand in the reserved bytes
            self.offered |= int.from_bytes(data[at + 14:at + 18], "little") << 32
        self.is_mariadb = "MariaDB" in self.version
        rest = data[at + 18:]
        self.nonce = nonce + rest[:max(12, nonce_len - 9)]
        self.plugin = rest[max(13, nonce_len - 8):].split(b"\0")[0].decode()

    def answer(self, plugin, nonce):
        return sha2_answer(self.password, nonce) if plugin == "caching_sha2_password" else native_answer(self.password, nonce)

    def _login(self, db, tls, attrs):
        caps = self.caps
        if db is not None:
            caps |= CONNECT_WITH_DB
        if tls:
            caps |= SSL
        if attrs is not None:
            caps |= CONNECT_ATTRS
        self.caps = caps
        head = struct.pack("<IIB19xI", caps & 0xffffffff, 1 << 30, self.collation, caps >> 32)
        seq = 1
        if tls:
            self.send_packet(head, seq)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.sock = context.wrap_socket(self.sock)
            seq += 1
        self.tls = tls
        data = head + self.user.encode() + b"\0" + put_lenenc(self.answer(self.plugin, self.nonce))
        if db is not None:
            data += db.encode() + b"\0"
        if caps & PLUGIN_AUTH:
            data += self.plugin.encode() + b"\0"
        if attrs is not None:
            pairs = b"".join(put_lenenc(k.encode()) + put_lenenc(v.encode()) for k, v in attrs.items())
            data += put_lenenc(pairs)
        self.send_packet(data, seq)
        self.login_ok = self.finish_login()

    def finish_login(self):
        """Answers what is asked until OK; raises ErrorPacket."""
        plugin, nonce = self.plugin, self.nonce
        while True:
            seq, payload = self.packet()
            mark = payload[0]
            if mark == 0:
                return payload
            if mark == 0xff:
                raise ErrorPacket(payload)
            if mark == 0xfe:
                name, _, nonce = payload[1:].partition(b"\0")
                plugin = name.decode()
                nonce = nonce.rstrip(b"\0") if len(nonce) < 21 else nonce[:20]
                self.send_packet(self.answer(plugin, nonce), seq + 1)
            elif mark == 1 and payload[1:] == b"\x04":
                if self.tls:
                    self.send_packet(self.password + b"\0", seq + 1)
                else:
                    self.send_packet(b"\x02", seq + 1)
            elif mark == 1 and payload[1:2] == b"-":
                from pymysql import _auth
                self.send_packet(_auth.sha2_rsa_encrypt(self.password, nonce[:20], payload[1:]), seq + 1)

    # ---- commands ----

    def send_command(self, command, payload=b""):
        return self.send_packet(bytes([command]) + payload, 0)

    def command(self, command, payload=b"", file=b""):
        """Sends a command and reads its whole reply."""
        self.send_command(command, payload)
        return self.reply(command, file)

    def query(self, sql, file=b""):
        if isinstance(sql, str):
            sql = sql.encode()
        if self.caps & QUERY_ATTRIBUTES and not self.is_mariadb:
            sql = b"\0\1" + sql
        return self.command(COM_QUERY, sql, file)

    def prepare(self, sql):
        """(statement id, packets)"""
        packets = self.command(COM_STMT_PREPARE, sql.encode())
        first = packets[0][1]
        return (struct.unpack("<I", first[1:5])[0] if first[:1] == b"\0" else None), packets

    def execute(self, stmt_id, flags=0, params=b""):
        count = b"\0" if self.caps & QUERY_ATTRIBUTES and flags & 8 else b""
        return self.command(COM_STMT_EXECUTE, struct.pack("<IBI", stmt_id & 0xffffffff, flags, 1) + count + params)

    def rows(self, sql):
        """Text rows of a query; raises ErrorPacket."""
        return self.rows_of(self.query(sql))

    def rows_of(self, packets):
        """The same of its reply."""
        for _, payload in packets:
            if payload[:1] == b"\xff":
                raise ErrorPacket(payload)
        if packets[0][1][:1] == b"\0":
            return []
        count, _ = lenenc(packets[0][1])
        body = packets[1 + count + (0 if self.caps & DEPRECATE_EOF else 1):-1]
        rows = []
        for _, payload in body:
            row, pos = [], 0
            for _ in range(count):
                if payload[pos] == 0xfb:
                    row.append(None)
                    pos += 1
                else:
                    n, pos = lenenc(payload, pos)
                    row.append(payload[pos:pos + n].decode("utf-8", "replace"))
                    pos += n
            rows.append(tuple(row))
        return rows

    def value(self, sql):
        return self.rows(sql)[0][0]

    # ---- replies ----

    def reply(self, command, file=b""):
        """All packets of the reply to a command."""
        out = []
        if command in (COM_STMT_CLOSE, COM_STMT_SEND_LONG_DATA, COM_QUIT):
            return out
        if command == COM_STATISTICS:
            self._next(out)
        elif command == COM_FIELD_LIST:
            while not self._is_end(self._next(out)):
                pass
        elif command == COM_STMT_PREPARE:
            self._prepared(out)
        elif command == COM_STMT_FETCH:
            self._rows(out)
        else:
            while self._result(out, file) & MORE_RESULTS:
                pass
        return out

    def _next(self, out):
        """The next packet but progress reports; parts of a large one are joined, the parts are kept."""
        while True:
            seq, payload = self.packet()
            out.append((seq, payload))
            whole = payload
            while len(payload) == MAX_PACKET:
                seq, payload = self.packet()
                out.append((seq, payload))
                whole += payload
            if whole[:3] != b"\xff\xff\xff" or not self.caps & MARIADB_PROGRESS:
                return whole

    def _is_end(self, payload):
        if payload[:1] == b"\xff":
            return True
        return payload[:1] == b"\xfe" and len(payload) < (MAX_PACKET if self.caps & DEPRECATE_EOF else 9)

    def _status(self, payload):
        """Status flags of what ends a result; 0 for an error."""
        if payload[:1] == b"\xff":
            return 0
        if payload[:1] == b"\xfe" and not self.caps & DEPRECATE_EOF:
            return struct.unpack("<H", payload[3:5])[0]
        _, pos = lenenc(payload, 1)
        _, pos = lenenc(payload, pos)
        return struct.unpack("<H", payload[pos:pos + 2])[0]

    def _prepared(self, out):
        first = self._next(out)
        if first[:1] == b"\xff":
            return
        columns, params = struct.unpack("<HH", first[5:9])
        left_out = self.caps & OPTIONAL_METADATA and not self.is_mariadb and len(first) > 12 and first[12] == 0
        for count in (params, columns):
            for _ in range(0 if left_out else count):
                self._next(out)
            if count and not self.caps & DEPRECATE_EOF:
                payload = self._next(out)
                assert self._is_end(payload), payload

    def _rows(self, out):
        while True:
            payload = self._next(out)
            if self._is_end(payload):
                return self._status(payload)

    def _result(self, out, file):
        first = self._next(out)
        if first[:1] in (b"\0", b"\xff", b"\xfe"):
            return self._status(first)
        if first[:1] == b"\xfb":
            seq = out[-1][0] + 1
            for i in range(0, len(file), 1 << 16):
                seq = self.send_packet(file[i:i + (1 << 16)], seq)
            self.send_packet(b"", seq)
            return self._result(out, file)
        count, pos = lenenc(first)
        follows = True
        if self.caps & (MARIADB_CACHE_METADATA if self.is_mariadb else OPTIONAL_METADATA):
            follows = len(first) > pos and first[pos] == 1
        if follows:
            for _ in range(count):
                self._next(out)
        if not self.caps & DEPRECATE_EOF:
            payload = self._next(out)
            assert self._is_end(payload), payload
            if self._status(payload) & CURSOR_EXISTS:
                return self._status(payload)
            if self._status(payload) & PS_OUT_PARAMS:  # the EOF behind the rows no longer says that more follows
                return self._rows(out) | self._status(payload) & MORE_RESULTS
        return self._rows(out)
