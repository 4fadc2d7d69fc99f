"""A random write load whose tables have all kinds of types and keys; every session is repeatable by its seed.

Nothing here knows what is right: the server is. What is compared is in check.py.
"""

import random
import re
import time

import pymysql

# By table: columns, key, and how a new value of each column is made. `{tiny}` and the like are the servers' own words.
INT = "int", lambda r: r.choice([0, 1, -1, 2147483647, -2147483648, r.randrange(-1000, 1000)])


XA_PASSES = 1397, 1402  # It is still another connection's; it had been rolled back.


def text(letters, longest):
    return lambda r: "".join(r.choice(letters) for _ in range(r.randrange(longest)))


def maybe(make):
    """NULL now and then."""
    return lambda r: None if r.random() < 0.15 else make(r)


def when(r, fraction):
    day = f"{r.randrange(1000, 9999):04}-{r.randrange(1, 13):02}-{r.randrange(1, 29):02}"
    return f"{day} {r.randrange(24):02}:{r.randrange(60):02}:{r.randrange(60):02}" + (f".{r.randrange(1000000):06}" if fraction else "")


def stamp(r):
    return f"{r.randrange(1971, 2037)}-{r.randrange(1, 13):02}-{r.randrange(1, 29):02} {r.randrange(4, 24):02}:{r.randrange(60):02}:00"


LETTERS = "abcXYZ  012äßÉ€漢😀"
TYPES = {
    "t8": ("TINYINT", lambda r: r.randrange(-128, 128)),
    "u8": ("TINYINT UNSIGNED", lambda r: r.randrange(256)),
    "t16": ("SMALLINT", lambda r: r.randrange(-32768, 32768)),
    "t24": ("MEDIUMINT", lambda r: r.randrange(-8388608, 8388608)),
    "t32": ("INT", lambda r: r.randrange(-2**31, 2**31)),
    "u32": ("INT UNSIGNED", lambda r: r.randrange(2**32)),
    "t64": ("BIGINT", lambda r: r.choice([-2**63, 2**63 - 1, 0, r.randrange(-2**63, 2**63)])),
    "u64": ("BIGINT UNSIGNED", lambda r: r.choice([2**64 - 1, 0, r.randrange(2**64)])),
    "d9": ("DECIMAL(9,2)", lambda r: f"{r.randrange(-10**9 + 1, 10**9) / 100:.2f}"),
    "d38": ("DECIMAL(38,10)", lambda r: f"{r.randrange(-10**27, 10**27)}.{r.randrange(10**10):010}"),
    "d65": ("DECIMAL(65,30)", lambda r: f"{r.randrange(-10**34, 10**34)}.{r.randrange(10**30):030}"),
    "f4": ("FLOAT", lambda r: r.choice([0, 0.5, -16777216, 3.25e10, r.randrange(-10**6, 10**6) / 8])),
    "f8": ("DOUBLE", lambda r: r.uniform(-1e12, 1e12)),
    "bits": ("BIT(13)", lambda r: r.randrange(2**13)),
    "day": ("DATE", lambda r: when(r, False)[:10]),
    "dt": ("DATETIME", lambda r: when(r, False)),
    "dt6": ("DATETIME(6)", lambda r: when(r, True)),
    "ts": ("TIMESTAMP NULL DEFAULT NULL", stamp),
    "ti": ("TIME", lambda r: f"{r.choice(['', '-'])}{r.randrange(838):02}:{r.randrange(60):02}:{r.randrange(60):02}"),
    "ti3": ("TIME(3)", lambda r: f"{r.randrange(24):02}:{r.randrange(60):02}:{r.randrange(60):02}.{r.randrange(1000):03}"),
    "y": ("YEAR", lambda r: r.choice([0, 1901, 2155, r.randrange(1901, 2156)])),
    "ch": ("CHAR(10)", text(LETTERS, 11)),
    "vc": ("VARCHAR(60)", text(LETTERS, 61)),
    "l1": ("VARCHAR(30) CHARACTER SET latin1", text("abcäöüß ", 31)),
    "txt": ("TEXT", text(LETTERS, 900)),
    "bin": ("BINARY(8)", lambda r: r.randbytes(8)),
    "vb": ("VARBINARY(40)", lambda r: r.randbytes(r.randrange(41))),
    "bl": ("BLOB", lambda r: r.randbytes(r.choice([0, 5, 3000]))),
    "e": ("ENUM('red','green','blue','') CHARACTER SET utf8mb4", lambda r: r.choice(["red", "green", "blue", ""])),
    "s": ("SET('a','b','c','d')", lambda r: ",".join(x for x in "abcd" if r.random() < 0.5)),
    "unseen": ("INT INVISIBLE", lambda r: r.randrange(1000)),
    "js": ("JSON", lambda r: r.choice(['{"a": 1, "b": [1, 2, "x"]}', "[]", '"text"', "null", '{"n": 1.5, "k": {"z": true}}'])),
}


class Table:
    """A table and what its statements need."""

    def __init__(self, name, key_definition, key_columns, columns, more=(), tail=""):
        self.name, self.key_columns = name, key_columns  # key_columns: name -> maker
        self.columns = {c: (TYPES[c][0], maybe(TYPES[c][1])) for c in columns}
        self.key_definition = key_definition
        self.more, self.tail = list(more), tail  # What no statement gives a value: computed columns, constraints, partitions.

    def create(self):
        body = [self.key_definition] + [f"{c} {sql}" for c, (sql, _) in self.columns.items()]
        key = [f"PRIMARY KEY ({', '.join(self.key_columns)})"] if self.key_columns else []
        return f"CREATE TABLE {self.name} ({', '.join(body + key + self.more)}) {self.tail}"


def small(r):
    return r.randrange(1, 400)


def tables(logs_cascades=False):
    """Fresh ones: sessions change them by DDL. logs_cascades: the server logs what foreign keys change; else there are none that do."""
    everything = list(TYPES)
    rule = "CASCADE" if logs_cascades else "RESTRICT"
    return [
        Table("ints", "id INT NOT NULL", {"id": small}, everything[:15]),
        Table("times", "id BIGINT UNSIGNED NOT NULL", {"id": small}, ["day", "dt", "dt6", "ts", "ti", "ti3", "y", "f8"]),
        Table("texts", "k VARCHAR(20) NOT NULL", {"k": lambda r: r.choice("aAbBäÄß") + str(r.randrange(60))},
              ["ch", "vc", "l1", "txt", "bin", "vb", "bl", "e", "s"]),
        Table("pairs", "a INT NOT NULL, b VARCHAR(10) NOT NULL", {"a": lambda r: r.randrange(20), "b": lambda r: r.choice("pqrst")},
              ["t32", "vc", "d9", "js"]),
        Table("unique_ones", "id INT NOT NULL, u INT NOT NULL UNIQUE", {"id": small}, ["vc"]),
        Table("keyless", "a INT, b VARCHAR(10)", {}, ["t8", "dt", "d9"]),
        Table("bulk", "id INT NOT NULL", {"id": small}, ["txt", "t64"]),
        Table("computed", "id INT NOT NULL", {"id": small}, ["t32", "vc", "unseen"],
              ["kept INT AS (t32 % 1000 + id) STORED", "shown VARCHAR(80) AS (CONCAT('<', vc, '>')) VIRTUAL",
               "unseen_too BIGINT AS (unseen * 2) VIRTUAL INVISIBLE"]),
        Table("parts", "id INT NOT NULL", {"id": small}, ["vc", "dt", "d9"], tail="PARTITION BY RANGE (id)"
              " (PARTITION p0 VALUES LESS THAN (100), PARTITION p1 VALUES LESS THAN (1000), PARTITION p2 VALUES LESS THAN MAXVALUE)"),
        Table("parents", "id INT NOT NULL", {"id": small}, ["vc"]),
        Table("children", "id INT NOT NULL, parent INT", {"id": small}, ["vc"],
              [f"FOREIGN KEY (parent) REFERENCES parents (id) ON DELETE {rule} ON UPDATE {rule}"]),
    ]


def finish_prepared(connection, r, seed=None):
    """Commits or rolls back distributed transactions that wait for it: those of a session, or all. Returns how many it
    could not: to be tried again."""
    left = 0
    with connection.cursor() as cursor:
        cursor.execute("XA RECOVER")
        for _, gtrid, _, data in cursor.fetchall():
            name = data if isinstance(data, str) else data.decode()
            if seed is None or name[:gtrid] == f"w{seed}":
                try:
                    cursor.execute(f"XA {r.choice(['COMMIT', 'COMMIT', 'ROLLBACK'])} '{name[:gtrid]}','{name[gtrid:]}'")
                except pymysql.err.MySQLError as e:
                    if e.args[0] not in XA_PASSES:
                        raise
                    left += 1
    return left


def ends_in_log(log):
    """How a binary log's Query events end distributed transactions: {(gtrid, bqual): "COMMIT" or "ROLLBACK"}. An event that was
    not written whole, at its end, does not count."""
    ends, at = {}, 4
    while at + 19 <= len(log):
        kind, size = log[at + 4], int.from_bytes(log[at + 9:at + 13], "little")
        if size < 19 or at + size > len(log):
            break
        if kind == 2 and (end := re.search(rb"XA (COMMIT|ROLLBACK) X'([0-9a-f]*)',X'([0-9a-f]*)'", log[at + 19:at + size])):
            ends[end[2], end[3]] = end[1].decode()
        at += size
    return ends


def end_without_log(connection, ends):
    """Carries out ends of distributed transactions that are in the log, where they are still prepared; returns how many."""
    ended = 0
    with connection.cursor() as cursor:
        cursor.execute("XA RECOVER")
        left = cursor.fetchall()
        cursor.execute("SET SESSION sql_log_bin = 0")
        for _, gtrid, _, data in left:
            name = data if isinstance(data, bytes) else data.encode()
            xid = name[:gtrid].hex().encode(), name[gtrid:].hex().encode()
            if xid in ends:
                cursor.execute(f"XA {ends[xid]} X'{xid[0].decode()}',X'{xid[1].decode()}'")
                ended += 1
        cursor.execute("SET SESSION sql_log_bin = 1")
    return ended


def await_end(connection, number):
    """Until the server has ended the connection of that number: MariaDB 10.5 logs an XA COMMIT that meets the end of the
    session that had prepared, and does not commit."""
    deadline = time.monotonic() + 2
    with connection.cursor() as cursor:
        while cursor.execute("SELECT 1 FROM information_schema.processlist WHERE id = %s", (number,)) and time.monotonic() < deadline:
            time.sleep(0.02)


class Writer:
    """One session of the load. step() runs a transaction; errors of the server that a load like this meets are part of it."""

    EXPECTED = {1062, 1205, 1213, 1146, 1054, 1050, 1060, 1091, 1051, 1136, 1412, 1364, 1292, 1366, 1264, 1265, 1406, 3105, 3854, 1020,
                1451, 1452, 1907, 3106}
    # After these, too, the connection is given up: of a distributed transaction that has failed nothing else can be done with it.
    LOST = {0, 2003, 2006, 2013, 2055, 1053, 1317, 1927, 1077, 1397, 1398, 1399, 1400, 1401, 1402, 1440, 1613, 1614, 3575}

    # MariaDB 10.5 lets TRUNCATE, DROP and RENAME pass prepared transactions that it has recovered, and logs what does not follow.
    recovers_without_locks = False
    # MariaDB 11.8 lets REORGANIZE PARTITION begin while a prepared transaction whose session has ended has changed the table, fails
    # halfway, and leaves rows in partitions where it does not find them.
    prepares_partitioned = True

    def __init__(self, connect, database, seed, with_ddl=False, images=(), logs_cascades=False):
        self.connect, self.database, self.images = connect, database, images
        self.seed, self.in_xa, self.xa = seed, False, 0
        self.random, self.with_ddl = random.Random(seed), with_ddl
        self.tables = tables(logs_cascades)
        self.connection = None
        self.left = 0  # The number of the connection closed last.
        self.steps = self.errors = self.ddl = 0
        self.extra = 0

    def close(self):
        self.in_xa = False
        if self.connection is not None:
            self.left = self.connection.thread_id()
            try:
                self.connection.close()
            except pymysql.Error:
                pass
            self.connection = None

    def run(self, sql, args=None):
        with self.connection.cursor() as cursor:
            return cursor.execute(sql, args)

    def step(self):
        try:
            if self.connection is None:
                self.connection = self.connect(database=self.database)
                self.run("SET SESSION innodb_lock_wait_timeout = 2")
                self.run("SET SESSION sql_mode = ''")
                await_end(self.connection, self.left)
                for _ in range(50):
                    if finish_prepared(self.connection, self.random, self.seed) == 0:
                        break
                    time.sleep(0.02)
                if self.images:
                    self.choose_log()
            if self.with_ddl and self.random.random() < 0.08:
                if self.recovers_without_locks:
                    finish_prepared(self.connection, self.random)
                self.change_schema()
                self.ddl += 1
            elif self.random.random() < 0.05:
                self.distributed()
            else:
                self.transaction()
            self.steps += 1
        except pymysql.err.MySQLError as e:
            code = e.args[0] if e.args else 0
            self.errors += 1
            if self.in_xa or code in self.LOST or not self.connection.open if self.connection else True:
                self.close()
                return False
            if code not in self.EXPECTED:
                raise
            try:
                self.connection.rollback()
            except pymysql.err.MySQLError:
                self.close()
        except OSError:
            self.close()
            return False
        return True

    def choose_log(self):
        """How the session's changes are logged."""
        r = self.random
        image = r.choice(self.images)
        self.run(f"SET SESSION binlog_row_image = {image}")
        # Differences need the value before.
        self.run(f"SET SESSION binlog_row_value_options = '{r.choice(['', 'PARTIAL_JSON']) if image == 'FULL' else ''}'")
        self.run(f"SET SESSION binlog_transaction_compression = {r.choice(['OFF', 'ON'])}")

    def transaction(self):
        r = self.random
        self.connection.begin()
        if r.random() < 0.01:
            self.bulk()
        self.changes()
        if r.random() < 0.1:
            self.connection.rollback()
        else:
            self.connection.commit()

    def distributed(self):
        """An XA transaction; prepared, it may be left for another connection, or outlive the server."""
        r = self.random
        self.xa += 1
        xid = f"'w{self.seed}','{self.xa}'"
        self.in_xa = True
        self.run(f"XA START {xid}")
        self.changes([t for t in self.tables if self.prepares_partitioned or "PARTITION" not in t.tail])
        self.run(f"XA END {xid}")
        if r.random() < 0.2:
            self.run(r.choice([f"XA COMMIT {xid} ONE PHASE", f"XA ROLLBACK {xid}"]))
            self.in_xa = False
            return
        self.run(f"XA PREPARE {xid}")
        self.in_xa = False
        if r.random() < 0.3:
            self.close()  # The next one finds it.
        else:
            self.run(r.choice([f"XA COMMIT {xid}", f"XA COMMIT {xid}", f"XA ROLLBACK {xid}"]))

    def changes(self, tables=None):
        r = self.random
        tables = tables or self.tables
        for _ in range(r.choice([1, 1, 2, 4, 15])):
            table = r.choice(tables)
            r.choice([self.insert, self.insert, self.insert, self.update, self.update, self.delete, self.move_key, self.swap,
                      self.again])(table)
            if r.random() < 0.05:
                self.run("SAVEPOINT s")
                self.insert(r.choice(tables))
                self.run("ROLLBACK TO SAVEPOINT s")

    def values(self, table):
        r = self.random
        row = {c: make(r) for c, make in table.key_columns.items()}
        if table.name == "keyless":
            row = {"a": r.randrange(6), "b": r.choice(["x", "y", None])}
        if table.name == "unique_ones":
            row["u"] = r.randrange(100000)
        if table.name == "children":
            row["parent"] = r.choice([None, small(r), small(r)])
        row.update({c: make(r) for c, (_, make) in table.columns.items() if r.random() < 0.9})
        return row

    def insert(self, table):
        r = self.random
        rows = [self.values(table) for _ in range(r.choice([1, 1, 3, 20]))]
        columns = list(rows[0])
        marks = ", ".join(["%s"] * len(columns))
        values = [row.get(c) for row in rows for c in columns]
        verb = r.choice(["INSERT IGNORE", "INSERT IGNORE", "REPLACE"])
        self.run(f"{verb} INTO {table.name} ({', '.join(columns)}) VALUES " + ", ".join([f"({marks})"] * len(rows)), values)

    def where(self, table):
        r = self.random
        if not table.key_columns:
            return "a = %s LIMIT " + str(r.randrange(1, 4)), [r.randrange(6)]
        if r.random() < 0.1 and "id" in table.key_columns:
            return "id %% 17 = %s", [r.randrange(17)]
        return " AND ".join(f"{c} = %s" for c in table.key_columns), [make(r) for make in table.key_columns.values()]

    def update(self, table):
        r = self.random
        columns = r.sample(list(table.columns), min(len(table.columns), r.randrange(1, 4)))
        where, keys = self.where(table)
        if "js" in columns and r.random() < 0.5:
            self.run(f"UPDATE IGNORE {table.name} SET js = JSON_SET(js, '$.a', {r.randrange(9)}) WHERE {where}", keys)
            return
        self.run(f"UPDATE IGNORE {table.name} SET {', '.join(f'{c} = %s' for c in columns)} WHERE {where}",
                 [table.columns[c][1](r) for c in columns] + keys)

    def delete(self, table):
        where, keys = self.where(table)
        self.run(f"DELETE FROM {table.name} WHERE {where}", keys)

    def move_key(self, table):
        """Changes a key; now and then many, one after the other."""
        r = self.random
        if "id" not in table.key_columns:
            return
        if r.random() < 0.2:
            self.run(f"UPDATE {table.name} SET id = id + 1000 ORDER BY id DESC LIMIT 20")
            self.run(f"UPDATE IGNORE {table.name} SET id = id - 1000 WHERE id > 1000 ORDER BY id LIMIT 20")
        else:
            self.run(f"UPDATE IGNORE {table.name} SET id = %s WHERE id = %s", [small(r), small(r)])

    def swap(self, table):
        """Two rows change keys within the transaction."""
        r = self.random
        if "id" not in table.key_columns:
            return
        a, b = small(r), small(r)
        for new, old in ((-7, a), (a, b), (b, -7)):
            self.run(f"UPDATE IGNORE {table.name} SET id = %s WHERE id = %s",
                     [new if table.name != "times" else abs(new), old if table.name != "times" else abs(old)])

    def again(self, table):
        """Deletes a row and inserts it once more."""
        row = self.values(table)
        if table.key_columns:
            where = " AND ".join(f"{c} = %s" for c in table.key_columns)
            self.run(f"DELETE FROM {table.name} WHERE {where}", [row[c] for c in table.key_columns])
            self.run(f"REPLACE INTO {table.name} ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))})", list(row.values()))

    def bulk(self):
        """Some megabytes of row images, and now and then none of them after all."""
        r = self.random
        base, count = r.randrange(1000, 3000), r.randrange(500, 3000)
        numbers = "(SELECT 0 n UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7)"
        self.run("SAVEPOINT b")
        self.run(f"REPLACE INTO bulk (id, txt) SELECT {base} + a.n + 8 * b.n + 64 * c.n + 512 * d.n AS i, REPEAT(CHAR(65 + a.n), 700)"
                 f" FROM {numbers} a, {numbers} b, {numbers} c, {numbers} d HAVING i < {base + count}")
        if r.random() < 0.2:
            self.run("ROLLBACK TO SAVEPOINT b")
        self.run(f"UPDATE bulk SET t64 = id, txt = RIGHT(txt, {r.randrange(700)}) WHERE id % {r.randrange(1, 9)} = 0")
        self.run(f"DELETE FROM bulk WHERE id > {r.randrange(1000, 6000)}")

    def change_schema(self):
        r = self.random
        table = r.choice(self.tables)
        self.extra += 1
        name = f"x{self.extra}"
        old = f"x{max(1, self.extra - r.randrange(1, 12))}"  # Perhaps a column of this table.
        side = f"side{r.randrange(3)}"
        self.run("SET SESSION lock_wait_timeout = 5")
        self.run(r.choice([
            f"ALTER TABLE {table.name} ADD COLUMN {name} INT DEFAULT {r.randrange(100)}",
            f"ALTER TABLE {table.name} ADD COLUMN {name} VARCHAR(20) NULL FIRST",
            f"ALTER TABLE {table.name} ADD COLUMN {name} DATETIME DEFAULT CURRENT_TIMESTAMP",
            f"ALTER TABLE {table.name} COMMENT '{name}'",
            f"CREATE INDEX {name} ON {table.name} ({r.choice(list(table.columns)) if table.name in ('ints', 'times') else (list(table.key_columns) or ['a'])[0]})",
            f"CREATE TABLE IF NOT EXISTS {side} (id INT PRIMARY KEY, v VARCHAR(20))",
            f"CREATE TABLE {side} (id INT PRIMARY KEY, v VARCHAR(20) CHARACTER SET latin1, e ENUM('x', 'y'), c CHAR(4), at TIMESTAMP NULL)",
            f"ALTER TABLE {table.name} DROP COLUMN {old}",
            f"ALTER TABLE {table.name} MODIFY COLUMN {old} BIGINT",
            f"ALTER TABLE {table.name} RENAME COLUMN {old} TO {name}",
            f"ALTER TABLE {table.name} CHANGE COLUMN {old} {name} VARCHAR(30) CHARACTER SET latin1",
            f"RENAME TABLE {side} TO between0, side{r.randrange(3)} TO {side}, between0 TO side{r.randrange(3)}",
            f"DROP TABLE IF EXISTS {side}",
            f"INSERT IGNORE INTO {side} VALUES ({r.randrange(50)}, 'x')",
            f"TRUNCATE TABLE {side}",
            f"RENAME TABLE {side} TO moved{r.randrange(2)}",
            f"DROP TABLE IF EXISTS moved{r.randrange(2)}",
            f"CREATE TABLE {side} SELECT id, 'made' AS v FROM unique_ones LIMIT 5",
            f"CREATE TABLE {side} LIKE {table.name}",
            "TRUNCATE TABLE keyless",
            f"ALTER TABLE computed ADD COLUMN {name} INT AS (id + 1) {r.choice(['STORED', 'VIRTUAL'])}",
            f"ALTER TABLE {table.name} ADD COLUMN {name} INT INVISIBLE DEFAULT 5",
            f"ALTER TABLE parts TRUNCATE PARTITION p{r.randrange(3)}",
            f"ALTER TABLE parts REORGANIZE PARTITION p0, p1 INTO (PARTITION p0 VALUES LESS THAN ({r.randrange(1, 1000)}),"
            " PARTITION p1 VALUES LESS THAN (1000))",
        ]))
