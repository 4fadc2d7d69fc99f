"""Compares the copy with its source, row by row, while nobody writes."""

import time

import pymysql

WITHOUT = set()  # Names of tables that are not copied.


class Differs(Exception):
    pass


def rows_of(connection, sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def source_tables(source, database):
    """Its tables, less those left out by --without."""
    return sorted(row[0] for row in rows_of(
        source, f"SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = '{database}' AND TABLE_TYPE = 'BASE TABLE'") if row[0] not in WITHOUT)


def must_follow(copy):
    """Raises Differs when the stream has stopped for an error: waiting would not help."""
    for started, *errors in rows_of(copy, "SELECT started, read_error, apply_error FROM pintail.replica"):
        if started != "YES" and any(errors):
            raise Differs(f"the stream has stopped: {errors}")


def columns_of(source, database, table):
    """By their names, since * leaves out invisible ones."""
    return ", ".join(f"`{row[0]}`" for row in rows_of(
        source, f"SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = '{database}' AND TABLE_NAME = '{table}'"
        " ORDER BY ORDINAL_POSITION"))


def sorted_rows(connection, columns, database, table):
    rows = rows_of(connection, f"SELECT {columns} FROM {database}.{table}")
    return sorted(rows, key=repr)


def wait_until_live(copy, source, database, seconds):
    """Until every table of the source is live in the copy; returns those set aside, with the reason."""
    deadline = time.monotonic() + seconds
    while True:
        must_follow(copy)
        wanted = source_tables(source, database)
        states = {row[0]: row[1:] for row in rows_of(
            copy, f"SELECT `name`, `state`, `reason` FROM pintail.tables WHERE `database` = '{database}'")}
        waiting = [t for t in wanted if t not in states or states[t][0] not in ("live", "aside")]
        if not waiting:
            return {t: states[t][1] for t in wanted if states[t][0] == "aside"}
        if time.monotonic() > deadline:
            raise Differs(f"not copied after {seconds} s: {[(t, states.get(t)) for t in waiting]}")
        time.sleep(0.2)


def compare_table(copy, source, database, table):
    """Raises Differs with the first rows that are on one side only."""
    columns = columns_of(source, database, table)
    theirs, ours = (sorted_rows(side, columns, database, table) for side in (source, copy))
    if theirs == ours:
        return len(theirs)
    only_theirs, only_ours = difference(theirs, ours), difference(ours, theirs)
    raise Differs(f"{table}: {len(theirs)} rows at the source, {len(ours)} in the copy;"
                  f" {len(only_theirs)} only there: {only_theirs[:2]}; {len(only_ours)} only here: {only_ours[:2]}")


def verify(copy, database, table):
    """PINTAIL VERIFY TABLE: raises Differs when it finds a difference; returns whether it could compare."""
    said = rows_of(copy, f"PINTAIL VERIFY TABLE {database}.{table}")
    if any(row[3] == "OK" for row in said if row[2] == "status"):
        return True
    if any("chunks differ" in row[3] for row in said):
        raise Differs(f"PINTAIL VERIFY TABLE: {said}")
    return False


def difference(a, b):
    """Rows of a that b has fewer of."""
    left = {}
    for row in b:
        left[repr(row)] = left.get(repr(row), 0) + 1
    out = []
    for row in a:
        key = repr(row)
        if left.get(key, 0) > 0:
            left[key] -= 1
        else:
            out.append(row)
    return out


def compare_all(open_copy, open_source, database, seconds=90):
    """All tables of a database. Nobody writes meanwhile. Returns rows compared and the tables set aside."""
    source = open_source()
    deadline = time.monotonic() + seconds
    try:
        while True:
            copy = None
            try:
                copy = open_copy()
                aside = wait_until_live(copy, source, database, max(1, deadline - time.monotonic()))
                rows_of(copy, "SELECT 1")
                count = sum(compare_table(copy, source, database, t) for t in source_tables(source, database) if t not in aside)
                return count, aside
            except (pymysql.err.MySQLError, OSError) as e:
                # Pintail may just have been started again, or a table of the list be under way again.
                if time.monotonic() > deadline:
                    raise Differs(f"the copy cannot be read: {e}") from e
                time.sleep(0.3)
            finally:
                if copy is not None:
                    copy.close()
    finally:
        source.close()
