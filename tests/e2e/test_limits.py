"""Full disks, little memory, many clients, large packets, compression, cursors."""

import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import time

import pymysql
import pytest
from conftest import HERE, error_of, run

# A full disk is 1021, 1114 or 1041 with MySQL's engines; this server's reserve gives 1114 or 1021 too.
DISK_FULL = (1021, 1114, 3, 1041, 1026, 1030)


@pytest.fixture
def small_disk():
    """A file system of 64 MiB."""
    path = tempfile.mkdtemp(prefix="pintail-e2e-disk-")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", path], capture_output=True, check=False)
    if done.returncode != 0:
        os.rmdir(path)
        pytest.skip("mounting a tmpfs is not permitted here")
    yield pathlib.Path(path)
    subprocess.run(["umount", "-l", path], check=False)
    os.rmdir(path)


@pytest.fixture
def cramped(new_server, small_disk):
    """A server whose data directory is on the small disk, with a table of two committed rows."""
    server = new_server("--storage-duckdb-disk-reserve", "1MiB", data=small_disk / "data").start()
    c = server.connect()
    run(c, "CREATE DATABASE d")
    run(c, "CREATE TABLE d.t (id INT PRIMARY KEY, text VARCHAR(2000))")
    run(c, "INSERT INTO d.t VALUES (-1, 'a'), (-2, 'b')")
    c.close()
    return server


def assert_usable_after_full_disk(server, rows):
    """What was committed is there, now and after a restart; deleting gives room."""
    assert server.query("SELECT COUNT(*) FROM d.t") == ((rows,),)
    assert server.query("SELECT text FROM d.t WHERE id = -1") == (("a",),)
    server.kill()
    server.start()
    assert server.query("SELECT COUNT(*) FROM d.t") == ((rows,),)


def test_full_disk_during_a_load(cramped, work):
    path = work / "large.tsv"
    with open(path, "wb") as out:
        for i in range(120000):
            out.write(b"%d\t%s\n" % (i, os.urandom(400).hex().encode()))
    with cramped.connect() as c:
        code = error_of(c, f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE d.t")
        assert code in DISK_FULL, code
        assert run(c, "SELECT 1") == ((1,),)
    assert_usable_after_full_disk(cramped, 2)


def test_full_disk_during_small_commits(cramped, small_disk):
    filler = small_disk / "filler"
    acknowledged, code = 2, None
    with cramped.connect() as c:
        with open(filler, "wb") as out:  # leave about 6 MiB
            free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
            out.write(b"\0" * max(0, free - (6 << 20)))
        for i in range(20000):
            code = error_of(c, f"INSERT INTO d.t VALUES ({i}, '{os.urandom(900).hex()}')")
            if code is not None:
                break
            acknowledged += 1
        assert code in DISK_FULL, code
        assert run(c, "SELECT COUNT(*) FROM d.t") == ((acknowledged,),)  # reading goes on
        filler.unlink()
        deadline = time.monotonic() + 20
        while error_of(c, "INSERT INTO d.t VALUES (1000000, 'after')") is not None:
            assert time.monotonic() < deadline, "writing does not go on when there is room again"
            time.sleep(0.2)
    assert_usable_after_full_disk(cramped, acknowledged + 1)


def test_memory_limit(new_server):
    server = new_server("--storage-duckdb-memory-limit", "64MB", "--storage-duckdb-max-temp-directory-size", "0MB").start()
    with server.connect() as c, server.connect() as other:
        run(c, "CREATE DATABASE d")
        run(c, "CREATE TABLE d.n (i INT)")
        run(c, "INSERT INTO d.n VALUES " + ",".join(f"({i})" for i in range(1000)))
        heavy = "SELECT COUNT(DISTINCT CONCAT(a.i, REPEAT('x', 300), b.i)) FROM d.n a JOIN d.n b"
        assert error_of(c, heavy) == 1038
        assert run(other, "SELECT COUNT(*) FROM d.n") == ((1000,),)
        run(c, "BEGIN")
        run(c, "INSERT INTO d.n VALUES (1)")
        assert error_of(c, heavy) in (1038, 1213)
        run(c, "ROLLBACK")
        run(c, "INSERT INTO d.n VALUES (1)")
        assert run(c, "SELECT COUNT(*) FROM d.n") == ((1001,),)
    assert server.stop() == 0


def test_2000_idle_connections(new_server):
    server = new_server().start()
    first = server.connect()
    before = server.resident()
    idle = []
    try:
        for _ in range(2000):
            idle.append(server.connect())
        grown = server.resident() - before
        # 10,000 are to fit into 1 GiB.
        assert grown < 200 << 20, f"{grown >> 20} MiB"
        assert run(idle[0], "SELECT 1") == ((1,),)
        assert run(first, "SELECT 1") == ((1,),)
        assert run(idle[-1], "SELECT 1") == ((1,),)
    finally:
        for c in idle:
            c._force_close()
    assert server.stop() == 0


def test_max_connections(new_server):
    server = new_server("--max-connections", "5").start()
    open_ones = [server.connect() for _ in range(5)]
    codes = set()
    for _ in range(3):
        try:
            open_ones.append(server.connect())
        except pymysql.MySQLError as e:
            codes.add(e.args[0])
    assert codes == {1040}
    for c in open_ones:
        c.close()
    time.sleep(0.3)
    server.assert_alive()


@pytest.mark.parametrize("size", [0xFFFFFF - 1, 0xFFFFFF, 0xFFFFFF + 1, 2 * 0xFFFFFF, 40 << 20])
def test_large_packets_both_ways(session, size):
    c = session()
    run(c, "CREATE TABLE t (id INT PRIMARY KEY, data LONGBLOB)")
    text = "SELECT '" + "y" * size + "'"
    for fill in (0, len("SELECT ''") + 1):  # the statement's packet, the row's packet of that size
        body = text[:len("SELECT '") + size - fill] + "'"
        (row,) = run(c, body)
        assert len(row[0]) == size - fill
    run(c, "INSERT INTO t VALUES (1, '" + "z" * size + "')")
    ((data, length),) = run(c, "SELECT data, LENGTH(data) FROM t")
    assert (len(data), length) == (size, size) and data[:3] == b"zzz" and data[-1:] == b"z"


# ---- Compression ----

def compile_c(shared_work, name):
    out = shared_work / name
    if not out.exists():
        flags = subprocess.run(["mariadb_config", "--cflags", "--libs"], capture_output=True, text=True, check=True).stdout
        subprocess.run(["cc", "-Wall", "-Werror", "-O1", "-o", str(out), str(HERE / f"clients/{name}.c"), *flags.split()],
                       check=True)
    return out


def run_special(server, shared_work, what):
    program = compile_c(shared_work, "special_c")
    done = subprocess.run([str(program), what, str(server.port)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0 and done.stdout.strip() == f"ok {what}", done.stdout + done.stderr


@pytest.mark.parametrize("what", ["compress", "compress_large", "cursor", "cursor_interleaved", "multi", "long_data",
                                  "change_user", "reset", "many_statements"])
def test_connector_c_special(server, shared_work, what):
    run_special(server, shared_work, what)


def test_zlib_and_zstd_with_mysql_97(server):
    from test_clients import mysql97_is_prepared
    if not mysql97_is_prepared():
        pytest.skip("MySQL 9.7's client is not fetched; run tests/servers/mysql97 prepare")
    for algorithm in ("zlib", "zstd"):
        done = subprocess.run([str(HERE.parent / "servers/mysql97"), "run", "mysql", "--no-defaults", "--protocol=tcp", "-h",
                               "127.0.0.1", "-P", str(server.port), "-u", "root", f"--compression-algorithms={algorithm}",
                               "-N", "-B", "-e", "SHOW STATUS LIKE 'Compression'; SELECT id, name FROM shared.large"],
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        assert len(lines) == 100001 or (len(lines) == 100000 and lines[0].startswith("1\t")), lines[:3]
        assert lines[-1].split("\t")[0] == "100000" or "Compression\tON" in lines[0]
