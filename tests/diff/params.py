"""Parameters of prepared statements as case files write them: `int 5, string 'abc', null, date 2024-01-02`.

Each is a wire type and a value, as a client of the binary protocol sends them. A string has quotes, doubled inside;
x'00ff' are bytes; `type null` is a NULL that has a type; `long 'ab' 'cd'` goes ahead in pieces.
"""

import re
import struct

INTS = {"tiny": (1, "b"), "short": (2, "h"), "year": (13, "h"), "int24": (9, "i"), "long": (3, "i"), "int": (8, "q")}
TEXTS = {
    "olddecimal": 0, "varchar": 15, "bit": 16, "json": 245, "decimal": 246, "enum": 247, "set": 248, "tinyblob": 249,
    "mediumblob": 250, "longblob": 251, "blob": 252, "string": 253, "char": 254,
}
TYPE_NULL, TYPE_FLOAT, TYPE_DOUBLE, TYPE_TIME = 6, 4, 5, 11
DATES = {"date": 10, "datetime": 12, "timestamp": 7}

TOKEN = re.compile(r"""\s*(?:(x?)'((?:[^']|'')*)'|(,)|([^\s,']+))""")


def lenenc(data):
    """A length-encoded string."""
    if len(data) < 0xfb:
        return bytes([len(data)]) + data
    return b"\xfc" + struct.pack("<H", len(data)) + data


def pack_date(text):
    """2024-01-02 03:04:05.000006, shortened as clients do; an empty text is the zero date in no bytes."""
    if not text:
        return b"\0"
    match = re.fullmatch(r"(\d+)-(\d+)-(\d+)(?:[ T](\d+):(\d+):(\d+)(?:\.(\d{1,6}))?)?", text)
    year, month, day, hour, minute, second = (int(g or 0) for g in match.groups()[:6])
    micros = int((match[7] or "").ljust(6, "0"))
    data = struct.pack("<HBB", year, month, day)
    if match[4] is not None:
        data += struct.pack("<BBB", hour, minute, second)
    if micros:
        data += struct.pack("<I", micros)
    return bytes([len(data)]) + data


def pack_time(text):
    """[-]34:05:06.000007, hours beyond a day as days."""
    match = re.fullmatch(r"(-?)(\d+):(\d+):(\d+)(?:\.(\d{1,6}))?", text)
    hours, minute, second = int(match[2]), int(match[3]), int(match[4])
    micros = int((match[5] or "").ljust(6, "0"))
    if not (hours or minute or second or micros):
        return b"\0"
    data = struct.pack("<BIBBB", match[1] == "-", hours // 24, hours % 24, minute, second)
    if micros:
        data += struct.pack("<I", micros)
    return bytes([len(data)]) + data


def pack(name, values):
    """(wire type, unsigned, bytes) of one parameter."""
    unsigned = name[1:] in INTS and name[0] == "u"
    kind = name[1:] if unsigned else name
    if kind == "null":
        return TYPE_NULL, False, None
    if kind == "longdata":
        return TEXTS["longblob"], False, list(values)
    value = None if values == ["null"] else values[0] if values else ""
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    if kind in INTS:
        code = INTS[kind][1].upper() if unsigned else INTS[kind][1]
        return INTS[kind][0], unsigned, None if value is None else struct.pack("<" + code, int(text))
    if kind in TEXTS:
        data = value if isinstance(value, bytes) or value is None else value.encode()
        return TEXTS[kind], False, None if data is None else lenenc(data)
    if kind in DATES:
        return DATES[kind], False, None if value is None else pack_date(text)
    if kind == "time":
        return TYPE_TIME, False, None if value is None else pack_time(text)
    if kind in ("float", "double"):
        code = {"float": "f", "double": "d"}[kind]
        return TYPE_FLOAT if kind == "float" else TYPE_DOUBLE, False, None if value is None else struct.pack("<" + code, float(text))
    raise ValueError(f"no such type of parameter: {name}")


def parse(text):
    """The parameters of one execution."""
    params, name, values, at = [], None, [], 0
    while at < len(text.rstrip()):
        match = TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"bad parameters: {text}")
        at = match.end()
        if match[3]:
            params.append(pack(name, values))
            name, values = None, []
        elif match[2] is not None:
            data = match[2].replace("''", "'")
            values.append(bytes.fromhex(data) if match[1] else data.encode())
        elif name is None:
            name = match[4]
        else:
            values = [f"{values[0]} {match[4]}"] if values else [match[4]]
    if name is not None:
        params.append(pack(name, values))
    return params
