"""Backup and restore as docs/operations.md tells it."""

import shutil
import signal
import threading
import time

from conftest import run


def fill(server):
    with server.connect() as connection:
        run(connection, "CREATE DATABASE d")
        run(connection, "CREATE TABLE d.t (i INT PRIMARY KEY AUTO_INCREMENT, s VARCHAR(20))")
        run(connection, "INSERT INTO d.t (s) VALUES ('a'), ('ü'), (NULL)")
        run(connection, "CREATE USER app IDENTIFIED BY 'secret'")
        run(connection, "GRANT SELECT ON d.* TO app")


def restored(new_server, source):
    """A server on a copy of a directory."""
    server = new_server(name="restored")
    shutil.copytree(source, server.data, copy_function=shutil.copy2)
    return server.start()


def test_copy_of_a_stopped_server(new_server):
    server = new_server().start()
    fill(server)
    assert server.stop() == 0
    copy = restored(new_server, server.data)
    assert copy.query("SELECT s FROM d.t ORDER BY i", user="app", password="secret") == (("a",), ("ü",), (None,))
    copy.query("INSERT INTO d.t (s) VALUES ('next')")
    assert copy.query("SELECT i FROM d.t WHERE s = 'next'")[0][0] >= 4
    assert copy.stop() == 0
    # The original goes on as it was.
    server.start()
    assert server.query("SELECT COUNT(*) FROM d.t") == ((3,),)
    assert server.stop() == 0


def test_snapshot_of_a_running_server(new_server):
    """The process is held still for the copy, which stands for a snapshot of the file system."""
    server = new_server().start()
    fill(server)
    done = []
    stop = threading.Event()

    def write():
        with server.connect() as connection:
            i = 0
            while not stop.is_set():
                i += 1
                run(connection, f"INSERT INTO d.t (s) VALUES ('w{i}')")
                done.append(i)

    writer = threading.Thread(target=write)
    writer.start()
    while len(done) < 20:
        time.sleep(0.01)
    server.signal(signal.SIGSTOP)
    time.sleep(0.1)  # all threads have stopped
    committed = len(done)
    copy = new_server(name="restored")
    shutil.copytree(server.data, copy.data, copy_function=shutil.copy2)
    server.signal(signal.SIGCONT)
    stop.set()
    writer.join()
    copy.start()
    count = copy.query("SELECT COUNT(*) FROM d.t WHERE s LIKE 'w%'")[0][0]
    assert committed <= count <= committed + 1  # the last commit's answer may not have been seen
    assert copy.query("SELECT COUNT(DISTINCT i) = COUNT(*) FROM d.t") == ((1,),)
    assert copy.stop() == 0 and server.stop() == 0
