"""A client that shows everything a server sends: column definitions, rows as they travel, counts, errors.

PyMySQL logs in; commands and their replies are read here, so that nothing is interpreted on the way. Text protocol and
prepared statements.
"""

import struct

import pymysql
from pymysql.constants import CLIENT

COM_QUERY = 0x03
COM_STMT_PREPARE = 0x16
COM_STMT_EXECUTE = 0x17
COM_STMT_SEND_LONG_DATA = 0x18
COM_STMT_CLOSE = 0x19

TYPE_NAMES = {
    0: "DECIMAL", 1: "TINY", 2: "SHORT", 3: "LONG", 4: "FLOAT", 5: "DOUBLE", 6: "NULL", 7: "TIMESTAMP", 8: "LONGLONG",
    9: "INT24", 10: "DATE", 11: "TIME", 12: "DATETIME", 13: "YEAR", 15: "VARCHAR", 16: "BIT", 242: "VECTOR",
    245: "JSON", 246: "NEWDECIMAL", 247: "ENUM", 248: "SET", 249: "TINY_BLOB", 250: "MEDIUM_BLOB", 251: "LONG_BLOB",
    252: "BLOB", 253: "VAR_STRING", 254: "STRING", 255: "GEOMETRY",
}
FLAG_NAMES = [
    "NOT_NULL", "PRI_KEY", "UNIQUE_KEY", "MULTIPLE_KEY", "BLOB", "UNSIGNED", "ZEROFILL", "BINARY", "ENUM",
    "AUTO_INCREMENT", "TIMESTAMP", "SET", "NO_DEFAULT", "ON_UPDATE_NOW", "PART_KEY", "NUM",
]

# What a server says of keys, and BINARY of numbers, depends on whether its plan uses a temporary table.
PLAN_FLAGS = ("PRI_KEY", "UNIQUE_KEY", "MULTIPLE_KEY", "PART_KEY", "BINARY", "NUM")


class Error(Exception):
    """An ERR packet."""

    def __init__(self, code, sqlstate, message):
        super().__init__(code, sqlstate, message)
        self.code, self.sqlstate, self.message = code, sqlstate, message


class Column:
    """A column definition."""

    def __init__(self, packet):
        reader = Reader(packet)
        reader.lenenc_str()  # catalog
        self.db, self.table, self.org_table, self.name, self.org_name = (
            reader.lenenc_str().decode("utf-8", "replace") for _ in range(5))
        reader.lenenc()
        self.charset, self.length, self.type, self.flags, self.decimals = struct.unpack("<HIBHB", reader.take(10))

    def flag_names(self):
        return "|".join(name for i, name in enumerate(FLAG_NAMES) if self.flags >> i & 1 and name not in PLAN_FLAGS)

    def plan_flag_names(self):
        return "|".join(name for i, name in enumerate(FLAG_NAMES) if self.flags >> i & 1 and name in PLAN_FLAGS)

    def type_name(self):
        return TYPE_NAMES.get(self.type, str(self.type))


class Result:
    """What a statement gave: rows with their columns, or counts."""

    def __init__(self):
        self.columns = []
        self.rows = []
        self.more = []
        self.affected = self.insert_id = self.warnings = 0
        self.status = 0
        self.info = ""


class Statement:
    """A prepared statement: what PREPARE told of it."""

    def __init__(self):
        self.id = 0
        self.params, self.columns = [], []


class Reader:
    """Reads the protocol's integers and strings."""

    def __init__(self, data):
        self.data, self.pos = data, 0

    def take(self, n):
        piece = self.data[self.pos:self.pos + n]
        if len(piece) != n:
            raise ValueError("packet too short")
        self.pos += n
        return piece

    def lenenc(self):
        first = self.take(1)[0]
        if first < 0xfb:
            return first
        if first == 0xfb:
            return None
        return int.from_bytes(self.take({0xfc: 2, 0xfd: 3, 0xfe: 8}[first]), "little")

    def lenenc_str(self):
        n = self.lenenc()
        return None if n is None else self.take(n)

    def rest(self):
        return self.take(len(self.data) - self.pos)


class RawClient:
    """One connection."""

    def __init__(self, port, database=None, user="root", password="", **options):
        # FOUND_ROWS is what PyMySQL sets by itself; affected rows are to be the changed ones.
        self.conn = pymysql.connect(host="127.0.0.1", port=port, user=user, password=password, database=database,
                                    charset="utf8mb4", autocommit=None, local_infile=True,
                                    client_flag=CLIENT.MULTI_STATEMENTS, **options)

    def close(self):
        self.conn.close()

    # ---- packets ----

    def _packet(self):
        data = b""
        while True:
            header = self.conn._read_bytes(4)
            length = int.from_bytes(header[:3], "little")
            self.conn._next_seq_id = (header[3] + 1) % 256
            data += self.conn._read_bytes(length)
            if length < 0xffffff:
                break
        if data[:1] == b"\xff":
            code = struct.unpack("<H", data[1:3])[0]
            text = data[3:].decode("utf-8", "replace")
            sqlstate = ""
            if text.startswith("#"):
                sqlstate, text = text[1:6], text[6:]
            raise Error(code, sqlstate, text)
        return data

    def _command(self, command, payload):
        self.conn._execute_command(command, payload)

    # ---- statements ----

    def query(self, sql, binary=False):
        """Runs one statement; raises Error."""
        if binary:
            return self._query_binary(sql)
        self._command(COM_QUERY, sql.encode())
        return self._results(self._text_row)

    def _results(self, parse_row):
        """The first result; those that follow are in its `more`."""
        first = last = self._result(parse_row)
        while last.status & 8:
            last = self._result(parse_row)
            first.more.append(last)
        return first

    def _query_binary(self, sql):
        statement = self.prepare(sql)
        try:
            return self.execute(statement, [])
        finally:
            self.close_statement(statement)

    def prepare(self, sql):
        """Prepares a statement; raises Error."""
        self._command(COM_STMT_PREPARE, sql.encode())
        statement = Statement()
        statement.id, column_count, param_count = struct.unpack("<IHH", self._packet()[1:9])
        for count, definitions in ((param_count, statement.params), (column_count, statement.columns)):
            while count and not self._is_eof(packet := self._packet()):
                definitions.append(Column(packet))
        return statement

    def execute(self, statement, params, send_types=True):
        """Runs a prepared statement with (type, unsigned, bytes) for each parameter; bytes None is NULL, a list of
        bytes is sent ahead in pieces. Raises Error."""
        bitmap, types, values = bytearray((len(params) + 7) // 8), b"", b""
        for i, (kind, unsigned, value) in enumerate(params):
            types += struct.pack("<BB", kind, 0x80 if unsigned else 0)
            if value is None:
                bitmap[i // 8] |= 1 << i % 8
            elif isinstance(value, list):
                for piece in value:
                    self._command(COM_STMT_SEND_LONG_DATA, struct.pack("<IH", statement.id, i) + piece)
            else:
                values += value
        payload = struct.pack("<IBI", statement.id, 0, 1)
        if params:
            payload += bytes(bitmap) + (b"\1" + types if send_types else b"\0") + values
        self._command(COM_STMT_EXECUTE, payload)
        return self._results(self._binary_row)

    def close_statement(self, statement):
        self._command(COM_STMT_CLOSE, struct.pack("<I", statement.id))

    @staticmethod
    def _is_eof(packet):
        return packet[0] == 0xfe and len(packet) < 9

    def _result(self, parse_row):
        first = self._packet()
        if first[0] == 0xfb:  # LOAD DATA LOCAL: the file, then an empty packet
            with open(first[1:].decode(), "rb") as file:
                while piece := file.read(1 << 16):
                    self.conn.write_packet(piece)
            self.conn.write_packet(b"")
            first = self._packet()
        result = Result()
        if first[0] == 0x00:
            reader = Reader(first)
            reader.take(1)
            result.affected, result.insert_id = reader.lenenc(), reader.lenenc()
            result.status, result.warnings = struct.unpack("<HH", reader.take(4))
            return result
        count = Reader(first).lenenc()
        result.columns = [Column(self._packet()) for _ in range(count)]
        self._packet()  # EOF
        while True:
            packet = self._packet()
            if self._is_eof(packet):
                result.warnings, result.status = struct.unpack("<HH", packet[1:5])
                return result
            result.rows.append(parse_row(packet, result.columns))

    @staticmethod
    def _text_row(packet, columns):
        reader = Reader(packet)
        return tuple(reader.lenenc_str() for _ in columns)

    @staticmethod
    def _binary_row(packet, columns):
        reader = Reader(packet)
        reader.take(1)
        bitmap = reader.take((len(columns) + 9) // 8)
        row = []
        for i, column in enumerate(columns):
            if bitmap[(i + 2) // 8] >> (i + 2) % 8 & 1:
                row.append(None)
            else:
                row.append(RawClient._binary_value(reader, column))
        return tuple(row)

    @staticmethod
    def _binary_value(reader, column):
        unsigned = column.flags & 32
        sizes = {1: "b", 2: "h", 13: "h", 3: "i", 9: "i", 8: "q"}
        if column.type in sizes:
            code = sizes[column.type].upper() if unsigned else sizes[column.type]
            return str(struct.unpack("<" + code, reader.take(struct.calcsize(code)))[0]).encode()
        if column.type == 4:
            return repr(struct.unpack("<f", reader.take(4))[0]).encode()
        if column.type == 5:
            return repr(struct.unpack("<d", reader.take(8))[0]).encode()
        if column.type in (7, 10, 11, 12):
            return b"t" + reader.take(reader.take(1)[0]).hex().encode()
        return reader.lenenc_str()
