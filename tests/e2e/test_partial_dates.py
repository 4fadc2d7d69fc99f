"""Dates without a month or day sort in their place, also after a restart and beside their writer."""

import threading

from conftest import run

ORDERED = ["2023-12-31", "2024-00-00", "2024-01-01", "2024-05-00", "2024-05-01"]


def fill(c, table):
    run(c, "SET sql_mode = ''")
    run(c, f"CREATE TABLE {table} (d DATE)")
    run(c, f"INSERT INTO {table} VALUES ('2024-05-01'), ('2024-01-01'), ('2023-12-31')")


def dates(c, table):
    return [row[0] for row in run(c, f"SELECT CONCAT(d) FROM {table} ORDER BY d")]


def test_order_survives_restarts(new_server):
    """The fact that a table has such dates is as durable as they are, and goes with the table."""
    server = new_server().start()
    with server.connect() as c:
        run(c, "CREATE DATABASE d")
        for table in ("d.t", "d.gone"):
            fill(c, table)
            run(c, f"INSERT INTO {table} VALUES ('2024-05-00'), ('2024-00-00')")
        run(c, "DROP TABLE d.gone")
        assert dates(c, "d.t") == ORDERED
    server.kill()
    server.start()
    with server.connect() as c:
        assert dates(c, "d.t") == ORDERED
    assert server.stop() == 0
    server.start()
    with server.connect() as c:
        assert dates(c, "d.t") == ORDERED
    assert server.stop() == 0


def test_readers_beside_the_first_writer(new_server):
    """Whatever a reader sees of the commit that brings the first such dates, it sees in order."""
    server = new_server().start()
    reader, writer = server.connect(), server.connect()
    run(writer, "CREATE DATABASE d")
    for i in range(60):
        table = f"d.t{i}"
        fill(writer, table)
        seen = []
        started = threading.Event()

        def read(table=table, seen=seen, started=started):
            while not seen or len(seen[-1]) < len(ORDERED):
                seen.append(dates(reader, table))
                started.set()

        thread = threading.Thread(target=read)
        thread.start()
        started.wait(10)
        run(writer, f"INSERT INTO {table} VALUES ('2024-05-00'), ('2024-00-00')")
        thread.join(20)
        assert not thread.is_alive()
        assert all(found == sorted(found) for found in seen)
    assert server.stop() == 0
