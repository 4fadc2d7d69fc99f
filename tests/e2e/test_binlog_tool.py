"""`pintail binlog`: files, damaged files, and the log of a running server."""

import os
import pathlib
import subprocess

import pymysql
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "tests/data/binlog"


def tool(binary, *args, **env):
    return subprocess.run([binary, "binlog", *map(str, args)], capture_output=True, text=True, check=False, timeout=120,
                          env=dict(os.environ, **env))


@pytest.mark.parametrize("name", ["mysql-compressed", "mysql-statements", "mariadb-full"])
def test_prints_files(binary, name):
    done = tool(binary, "-v", DATA / f"{name}.binlog")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (DATA / f"{name}.txt").read_text()
    short = tool(binary, DATA / f"{name}.binlog")
    assert short.returncode == 0 and len(short.stdout) < len(done.stdout)
    assert tool(binary, "--check", DATA / f"{name}.binlog").stdout == ""


def test_damaged_files(binary, work):
    data = bytearray((DATA / "mysql-full.binlog").read_bytes())
    for change, message in [(lambda d: d[:5000], "is cut off"), (lambda d: d[:200] + b"\xff" + d[201:], "checksum verification failed"),
                            (lambda d: b"xx" + d, "no binary log"), (lambda d: b"", "empty")]:
        path = work / "damaged"
        path.write_bytes(change(data))
        done = tool(binary, "--check", path)
        assert done.returncode == 1
        assert message in done.stderr and str(path) in done.stderr


def test_arguments(binary, work):
    for args in [(), ("--nosuch", "x"), ("--host",), ("--port", "x", "f"), ("--host", "h", "file")]:
        done = tool(binary, *args)
        assert done.returncode == 2 and "Usage" in done.stderr, args
    assert tool(binary, "--help").stdout.startswith("Usage")
    assert tool(binary, work / "missing").returncode == 1


@pytest.mark.parametrize("kind", ["mysql97", "mariadb"])
def test_prints_what_a_server_sends(binary, work, kind):
    script = ROOT / "tests/servers" / kind
    options = ["--log-bin=binlog", "--server-id=5", "--binlog-format=ROW", "--binlog-row-metadata=FULL"]
    if kind == "mysql97":
        options += ["--gtid-mode=ON", "--enforce-gtid-consistency=ON"]
    started = subprocess.run([script, "start", work, *options], capture_output=True, text=True, check=False)
    if started.returncode != 0:
        pytest.skip(f"{kind} does not start: {started.stderr[-200:]}")
    try:
        socket, port = (work / "socket").read_text().strip(), (work / "port").read_text().strip()
        with pymysql.connect(unix_socket=socket, user="root", autocommit=True) as connection:
            cursor = connection.cursor()
            for sql in ["CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY, b VARCHAR(10))", "INSERT INTO d.t VALUES (1, 'one')"]:
                cursor.execute(sql)
            cursor.execute("SELECT @@gtid_executed" if kind == "mysql97" else "SELECT @@gtid_binlog_pos")
            gtids = cursor.fetchone()[0]
            for sql in ["FLUSH BINARY LOGS", "UPDATE d.t SET b = 'two'", "CREATE USER r IDENTIFIED BY 'pw'", "GRANT ALL ON *.* TO r"]:
                cursor.execute(sql)
        everything = tool(binary, "--socket", socket, "-v")
        assert (everything.returncode, everything.stderr) == (0, "")
        assert "d.t INSERT a=1 b='one'" in everything.stdout
        rest = tool(binary, "--socket", socket, "-v", "--exclude-gtids", gtids)
        assert rest.returncode == 0 and "INSERT" not in rest.stdout
        assert "d.t UPDATE a=1 b='one' -> a=1 b='two'" in rest.stdout
        second = tool(binary, "--host", "127.0.0.1", "--port", port, "--user", "r", "--start-file", "binlog.000002", MYSQL_PWD="pw")
        assert second.returncode == 0 and "GRANT ALL" in second.stdout and "CREATE TABLE" not in second.stdout
        denied = tool(binary, "--host", "127.0.0.1", "--port", port, "--user", "r", MYSQL_PWD="wrong")
        assert denied.returncode == 1 and "Access denied" in denied.stderr
        missing = tool(binary, "--socket", socket, "--start-file", "binlog.999999")
        assert missing.returncode == 1 and "ould not find first log" in missing.stderr
    finally:
        subprocess.run([script, "stop", work], check=False, capture_output=True)
