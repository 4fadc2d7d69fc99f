#!/usr/bin/env python3
"""Measures the tables of this directory on real servers.

    measure.py TABLE MYSQL MARIADB [TOOL]

MYSQL and MARIADB are shell commands that run SQL from standard input and print rows without headings, e.g.
"mysql -N -r -u root -S /run/my.sock". TABLE is one of the names in TABLES below, or "all"; each is written to the file
of that name. The files are committed: a build needs no server. Run it again when a new version of a server is
to be followed, and look at the difference. charsets_multi.txt needs TOOL, the collation_keys of a build: it is not
made anew but mended where that build differs from the server.
"""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))

# Every code point as a utf8mb4 string. Surrogates are no characters.
CODE_POINTS = {
    "mysql": "SET SESSION cte_max_recursion_depth = 2000000; CREATE TEMPORARY TABLE {table} "
             "WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < {last}) "
             "SELECT n, CONVERT(CONVERT(UNHEX(LPAD(HEX(n), 8, '0')) USING utf32) USING utf8mb4) c FROM n "
             "WHERE n NOT BETWEEN 0xD800 AND 0xDFFF;",
    "mariadb": "CREATE TEMPORARY TABLE {table} "
               "SELECT seq n, CONVERT(CONVERT(UNHEX(LPAD(HEX(seq), 8, '0')) USING utf32) USING utf8mb4) c "
               "FROM seq_0_to_{last} WHERE seq NOT BETWEEN 0xD800 AND 0xDFFF;",
}

SINGLE_BYTE = """armscii8 ascii cp1250 cp1251 cp1256 cp1257 cp850 cp852 cp866 dec8 geostd8 greek hebrew hp8 keybcs2
    koi8r koi8u latin1 latin2 latin5 latin7 macce macroman swe7 tis620""".split()

MULTI_BYTE = "big5 cp932 eucjpms euckr gb18030 gb2312 gbk sjis ujis".split()

# Not by one weight a byte: expansions, several levels, or reordering.
NOT_BY_BYTE = {"latin1_german2_ci", "latin2_czech_cs", "cp1250_czech_cs", "tis620_thai_ci", "tis620_thai_nopad_ci"}

servers = {}


def query(server, sql):
    """Rows as lists of text."""
    script = "CREATE DATABASE IF NOT EXISTS pintail_measure; USE pintail_measure; SET NAMES utf8mb4;" + sql
    out = subprocess.run(servers[server], shell=True, input=script.encode(), stdout=subprocess.PIPE, check=True).stdout
    return [line.split("\t") for line in out.decode().split("\n") if line]


def write(name, head, lines):
    with open(os.path.join(HERE, name), "w") as out:
        out.writelines("# %s\n" % h for h in head)
        out.writelines(line.rstrip() + "\n" for line in lines)


def code_points(server, expressions):
    """expressions of c for every code point, as {code point: [hex, ...]}."""
    make = CODE_POINTS[server].format(table="cp", last=0x10FFFF)
    rows = query(server, make + "SELECT n, %s FROM cp ORDER BY n;" % ", ".join("HEX(%s)" % e for e in expressions))
    return {int(r[0]): r[1:] for r in rows}


def hangul_parts(n):
    """The jamo of a Hangul syllable (Unicode 9.0, section 3.12)."""
    i = n - 0xAC00
    parts = [0x1100 + i // 588, 0x1161 + i % 588 // 28]
    return parts + [0x11A7 + i % 28] if i % 28 else parts


def run_kinds(weights, n):
    """The ways in which a run may begin at n: (text, expected weights of the i-th code point behind it)."""
    w = weights[n]
    if 0xAC00 <= n <= 0xD7A3 and w == sum((weights[p] for p in hangul_parts(n)), ()):
        yield "h", lambda i: sum((weights[p] for p in hangul_parts(n + i)), ()) if n + i <= 0xD7A3 else None
    if len(w) == 2 and w[1] == (n & 0x7FFF) | 0x8000 and w[0] >= 0xFB00:
        base = w[0] - (n >> 15)
        yield "i %x" % base, lambda i: (base + (n + i >> 15), ((n + i) & 0x7FFF) | 0x8000)
    text = " ".join("%x" % x for x in w)
    yield ("= " + text).strip(), lambda i: w
    if w:
        yield "+ " + text, lambda i: w[:-1] + (w[-1] + i,)


def run_lines(weights):
    n = 0
    while n <= 0x10FFFF:
        if n not in weights:
            n += 1
            continue
        best = (0, "")
        for text, expect in run_kinds(weights, n):
            length = 1
            while n + length in weights and weights[n + length] == expect(length):
                length += 1
            if length > best[0]:
                best = (length, text)
        yield ("%x" % n) + ("+%x" % best[0] if best[0] > 1 else "") + " " + best[1]
        n += best[0]


def as_weights(text):
    return tuple(int(text[i:i + 4], 16) for i in range(0, len(text), 4))


WEIGHTS_HEAD = [
    "A line gives a run of code points and their weights, all in hexadecimal: FIRST[+COUNT] HOW WEIGHT...",
    "= each has these weights (none: ignorable); + the last weight grows by one from each to the next;",
    "c CP CP... = WEIGHT... is a contraction;",
    "h Hangul syllables, weighed as their jamo; i BASE two weights: BASE + (cp >> 15), 0x8000 | (cp & 0x7fff).",
]


def weights(server, collation, name):
    found = code_points(server, ["WEIGHT_STRING(c COLLATE %s)" % collation])
    table = {n: as_weights(r[0]) for n, r in found.items()}
    write(name, ["Weights of every code point in %s, measured by measure.py." % collation] + WEIGHTS_HEAD,
          list(run_lines(table)) + contraction_lines(server, collation, table))


def level_weights(server, collation, level, name):
    """Secondary (1) or tertiary (2) weights, which follow a 0 in the weight string."""
    found = code_points(server, ["WEIGHT_STRING(c COLLATE %s)" % collation])
    table = {}
    for n, r in found.items():
        levels = [[]]
        for w in as_weights(r[0]):
            if w:
                levels[-1].append(w)
            else:
                levels.append([])
        table[n] = tuple(levels[level])
    write(name, ["Weights of level %d of every code point in %s, measured by measure.py." % (level + 1, collation)] +
          WEIGHTS_HEAD, run_lines(table))


def contraction_lines(server, collation, table):
    """Sequences that weigh otherwise than their characters do; the candidates are those of DUCET as Perl ships it."""
    path = subprocess.run(["perl", "-MUnicode::Collate", "-e", "print $INC{'Unicode/Collate.pm'}"],
                          stdout=subprocess.PIPE, check=True).stdout.decode()
    keys = [os.path.join(d, "Unicode/Collate/allkeys.txt") for d in
            subprocess.run(["perl", "-e", "print join ':', @INC"], stdout=subprocess.PIPE, check=True)
            .stdout.decode().split(":") + [path[:-len("Unicode/Collate.pm")]]]
    with open(next(k for k in keys if os.path.exists(k))) as file:
        heads = [line.split(";")[0].split() for line in file if line[0].isalnum()]
    found = []
    sequences = [[int(c, 16) for c in h] for h in heads if len(h) > 1]
    sql = "".join("SELECT HEX(WEIGHT_STRING(CONVERT(_utf32 x'%s' USING utf8mb4) COLLATE %s));" %
                  ("".join("%08X" % c for c in s), collation) for s in sequences)
    for s, row in zip(sequences, query(server, sql)):
        w = as_weights(row[0])
        if w != sum((table[c] for c in s), ()):
            found.append("c %s = %s" % (" ".join("%x" % c for c in s), " ".join("%x" % x for x in w)))
    return sorted(found)


def collations(name):
    mysql = query("mysql", "SELECT id, collation_name, character_set_name, sortlen, is_default, pad_attribute "
                           "FROM information_schema.collations;")
    mariadb = query("mariadb", "SELECT a.id, full_collation_name, a.character_set_name, sortlen, a.is_default, "
                               "IF(full_collation_name RLIKE 'nopad|^binary$', 'NO PAD', 'PAD SPACE') FROM "
                               "information_schema.collation_character_set_applicability a "
                               "JOIN information_schema.collations USING (collation_name);")
    flags = {}
    for rows, here, default in ((mysql, "m", "M"), (mariadb, "a", "A")):
        for r in rows:
            key = (int(r[0]), r[1], r[2], r[3], "n" if r[5] == "NO PAD" else "")
            flags[key] = flags.get(key, "") + here + (default if r[4] == "Yes" else "")
    write(name, ["Collations of MySQL 9.7 and MariaDB 10.11: number, name, character set, sortlen, flags.",
                 "m: in MySQL, M: its default for the character set, a and A: MariaDB's, n: NO PAD."],
          ("%d %s %s %s %s" % (k[0], k[1], k[2], k[3], flags[k] + k[4]) for k in sorted(flags)))


def charsets_8bit(name):
    lines = []
    for cs in SINGLE_BYTE:
        sql = " UNION ALL ".join("SELECT %d, HEX(CONVERT(CONVERT(x'%02X' USING %s) USING utf32))" % (b, b, cs)
                                 for b in range(256)) + " ORDER BY 1;"
        maps = [[int(r[1], 16) for r in query(s, sql)] for s in ("mysql", "mariadb")]
        assert maps[0] == maps[1], cs
        # '?' stands for bytes that have no character.
        cells = ["%x" % u if u != 0x3F or b == 0x3F else "-" for b, u in enumerate(maps[0])]
        lines.append(cs)
        lines += ["    " + " ".join(cells[i:i + 16]) for i in range(0, 256, 16)]
    write(name, ["Code points of the 256 bytes in the single-byte character sets; - where there is none.",
                 "Equal in MySQL 9.7 and MariaDB 10.11; measured by measure.py."], lines)


def multi_codes(cs):
    codes = ["%02X" % b for b in range(0x80, 0x100)]
    codes += ["%02X%02X" % (a, b) for a in range(0x81, 0xFF) for b in range(0x40, 0xFF)]
    if cs in ("ujis", "eucjpms"):
        codes += ["8F%02X%02X" % (a, b) for a in range(0xA1, 0xFF) for b in range(0xA1, 0xFF)]
    return codes


def tool(what, cs, lines):
    out = subprocess.run([sys.argv[4], what, cs], input="".join(line + "\n" for line in lines).encode(),
                         stdout=subprocess.PIPE, check=True).stdout
    return out.decode().split("\n")[:-1]


def as_code_point(utf8):
    text = bytes.fromhex(utf8).decode()
    return "-" if text == "?" else "%X" % ord(text)


def charsets_multi(name):
    old = {}
    with open(os.path.join(HERE, name)) as file:
        for line in file:
            if line[0] != "#":
                fields = line.split()
                if len(fields) == 1:
                    current = old.setdefault(fields[0], {})
                else:
                    current[(fields[0], fields[1])] = fields[2]
    for cs in MULTI_BYTE:
        table = old.setdefault(cs, {})
        codes = multi_codes(cs)
        sql = "CREATE TEMPORARY TABLE b (c VARBINARY(4)); INSERT INTO b VALUES %s;" % ",".join("(x'%s')" % c for c in codes)
        # Only what the server takes for one character of the set.
        rows = query("mysql", sql + "SELECT HEX(c), HEX(CONVERT(CONVERT(c USING %s) USING utf8mb4)) FROM b WHERE "
                     "HEX(CONVERT(c USING %s)) = HEX(c) AND CHAR_LENGTH(CONVERT(c USING %s)) = 1;" % (cs, cs, cs))
        rows = [r for r in rows if r[1]]
        for (code, theirs), mine in zip(rows, tool("to-utf8", cs, [r[0] for r in rows])):
            if theirs != mine:
                table[("to", code)] = as_code_point(theirs)
        found = code_points("mysql", ["CONVERT(c USING %s)" % cs])
        points = [n for n in sorted(found) if n >= 128]
        for n, mine in zip(points, tool("from-utf8", cs, [chr(n).encode().hex() for n in points])):
            if found[n][0] != mine:
                table[("from", "%X" % n)] = "-" if found[n][0] == "3F" else found[n][0]
    lines = []
    for cs in sorted(old):
        lines.append(cs)
        lines += ["    %s %s %s" % (k[0], k[1], old[cs][k]) for k in sorted(old[cs], key=lambda k: (k[0], len(k[1]), k[1]))]
    write(name, ["Where MySQL 9.7 maps multi-byte character sets otherwise than ICU's converter (charsets.txt) does:",
                 "to CODE CODE_POINT and from CODE_POINT CODE in hexadecimal, - for none. Measured by measure.py."], lines)


def collations_8bit(name):
    lines = []
    seen = set()
    for server in ("mysql", "mariadb"):
        rows = query(server, "SELECT collation_name, character_set_name FROM information_schema.collations "
                             "WHERE character_set_name IN (%s) ORDER BY 1;" % ",".join("'%s'" % c for c in SINGLE_BYTE))
        for coll, cs in rows:
            if coll in NOT_BY_BYTE or coll.endswith("_bin") or "nopad" in coll:
                continue
            sql = "SELECT %s;" % ",".join("HEX(WEIGHT_STRING(CONVERT(x'%02X' USING %s) COLLATE %s))" % (b, cs, coll)
                                          for b in range(256))
            text = "".join(query(server, sql)[0])
            assert len(text) == 512, coll
            if (coll, text) in seen:
                continue
            assert coll not in {c for c, _ in seen}, coll
            seen.add((coll, text))
            lines.append(coll)
            lines += ["    " + text[i:i + 64] for i in range(0, 512, 64)]
    write(name, ["Weights of the 256 bytes in the collations of single-byte character sets that have one weight a byte.",
                 "Equal in MySQL 9.7 and MariaDB 10.11 where both have it; measured by measure.py."], lines)


def case_8bit(name):
    lines = []
    for cs in SINGLE_BYTE:
        rows = []
        for function in ("UPPER", "LOWER"):
            sql = "SELECT %s;" % ",".join("HEX(%s(CONVERT(x'%02X' USING %s)))" % (function, b, cs) for b in range(256))
            texts = ["".join(query(s, sql)[0]) for s in ("mysql", "mariadb")]
            assert texts[0] == texts[1] and len(texts[0]) == 512, cs
            rows += [texts[0][i:i + 64] for i in range(0, 512, 64)]
        lines.append(cs)
        lines += ["    " + r for r in rows]
    write(name, ["UPPER() and then LOWER() of the 256 bytes in the single-byte character sets.",
                 "Equal in MySQL 9.7 and MariaDB 10.11; measured by measure.py."], lines)


def case_runs(maps):
    """Runs of code points with one difference to their upper and lower forms, and step 1 or 2 between them."""
    todo = sorted(maps)
    while todo:
        n = todo[0]
        best = None
        for step in (1, 2):
            count = 1
            while maps.get(n + count * step) == maps[n]:
                count += 1
            if best is None or count > best[0]:
                best = (count, step)
        count, step = best
        yield "%x+%x/%d %d %d" % (n, count, step, maps[n][0], maps[n][1])
        done = {n + i * step for i in range(count)}
        todo = [t for t in todo if t not in done]


def case(server, collation, name):
    # MySQL cuts the result to the bytes of the argument, hence the blanks.
    up = "CONVERT(LEFT(UPPER(CONCAT(c, '   ') COLLATE %s), 1) USING utf32)" % collation
    low = "CONVERT(LEFT(LOWER(CONCAT(c, '   ') COLLATE %s), 1) USING utf32)" % collation
    maps = {}
    for n, (u, l) in code_points(server, [up, low]).items():
        if int(u, 16) != n or int(l, 16) != n:
            maps[n] = (int(u, 16) - n, int(l, 16) - n)
    write(name, ["UPPER() and LOWER() of %s, measured by measure.py: FIRST+COUNT/STEP and" % collation,
                 "what to add to a code point (decimal) for its upper and its lower form."], case_runs(maps))


TABLES = {
    "collations.txt": collations,
    "charsets_8bit.txt": charsets_8bit,
    "charsets_multi.txt": charsets_multi,
    "collations_8bit.txt": collations_8bit,
    "weights_0900.txt": lambda f: weights("mysql", "utf8mb4_0900_ai_ci", f),
    "weights_0900_level2.txt": lambda f: level_weights("mysql", "utf8mb4_0900_as_cs", 1, f),
    "weights_0900_level3.txt": lambda f: level_weights("mysql", "utf8mb4_0900_as_cs", 2, f),
    "weights_general.txt": lambda f: weights("mysql", "utf8mb4_general_ci", f),
    "weights_uca400.txt": lambda f: weights("mysql", "utf8mb4_unicode_ci", f),
    "weights_uca520.txt": lambda f: weights("mysql", "utf8mb4_unicode_520_ci", f),
    "weights_uca1400.txt": lambda f: weights("mariadb", "utf8mb4_uca1400_ai_ci", f),
    "case_8bit.txt": case_8bit,
    "case_general.txt": lambda f: case("mysql", "utf8mb4_general_ci", f),
    "case_uca520.txt": lambda f: case("mysql", "utf8mb4_unicode_520_ci", f),
    "case_0900.txt": lambda f: case("mysql", "utf8mb4_0900_ai_ci", f),
    "case_uca1400.txt": lambda f: case("mariadb", "utf8mb4_uca1400_ai_ci", f),
}


def main():
    if len(sys.argv) not in (4, 5) or (sys.argv[1] != "all" and sys.argv[1] not in TABLES):
        sys.exit("usage: measure.py TABLE|all MYSQL MARIADB [TOOL], TABLE one of " + " ".join(TABLES))
    servers.update(mysql=sys.argv[2], mariadb=sys.argv[3])
    for table in TABLES if sys.argv[1] == "all" else [sys.argv[1]]:
        TABLES[table](table)


main()
