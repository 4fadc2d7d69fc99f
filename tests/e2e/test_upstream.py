"""The connection to a real server: reaching it, TLS, compression, limits, health, and what is discovered."""

import re
import signal
import socket
import time

import pymysql
import pytest
from conftest import Upstream

KINDS = ["mysql", "mariadb"]


@pytest.fixture(scope="module", params=KINDS)
def upstream(request, shared_work):
    server = Upstream(request.param, shared_work / f"upstream-alone-{request.param}").start()
    server.run("CREATE USER ann IDENTIFIED BY 'apw'; CREATE USER own IDENTIFIED BY 'opw';"
               "GRANT ALL ON *.* TO own; CREATE DATABASE shop; GRANT ALL ON shop.* TO ann")
    yield server
    server.stop()


@pytest.fixture
def front(new_server, upstream):
    """Makes a Pintail in front of the upstream, started."""

    def make(*options, wait=True, host=True):
        where = ["--mysql-host", "127.0.0.1", "--mysql-port", str(upstream.port)] if host else []
        server = new_server("--storage", "mysql", *where, "--mysql-user", "own", "--mysql-password", "opw", *options)
        server.start()
        if wait:
            wait_for(lambda: "is reachable" in server.log_text())
        return server

    return make


def wait_for(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.05)


def ann(server, **options):
    return server.connect(**{"user": "ann", "password": "apw", **options})


def value(connection, sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()[0][-1]


def error_of(function):
    with pytest.raises(pymysql.Error) as caught:
        function()
    return caught.value.args


def test_the_log_says_what_is_reached(front, upstream):
    server = front()
    version = upstream.run("SELECT VERSION()")[0][0]
    assert version in server.log_text()
    with ann(server) as connection:
        assert value(connection, "SELECT VERSION()") == version
        assert value(connection, "SELECT CURRENT_USER()") == "ann@%"


@pytest.mark.parametrize("mode", ["disabled", "preferred", "required"])
def test_tls_modes(front, mode, upstream):
    # MariaDB makes itself a certificate since 11.4.
    has_tls = upstream.dialect == "mysql" or upstream.query("SHOW VARIABLES LIKE 'have_ssl'")[0][1] == "YES"
    server = front("--storage-mysql-tls-mode", mode, wait=has_tls or mode != "required")
    if mode == "required" and not has_tls:
        wait_for(lambda: "does not support it" in server.log_text())
        assert error_of(lambda: ann(server))[0] == 2026
        return
    with ann(server) as connection:
        assert bool(value(connection, "SHOW STATUS LIKE 'Ssl_version'")) == (has_tls and mode != "disabled")


def test_a_certificate_that_is_not_to_be_trusted(front, upstream):
    if upstream.dialect != "mysql":
        pytest.skip("MariaDB has no certificate in a file by itself")
    server = front("--storage-mysql-tls-mode", "verify_ca", wait=False)
    wait_for(lambda: "cannot be used" in server.log_text())
    code, text = error_of(lambda: ann(server))
    assert code == 2026 and "certificate" in text
    ca = upstream.work / "data" / "ca.pem"
    trusting = front("--storage-mysql-tls-mode", "verify_ca", "--storage-mysql-tls-ca", str(ca))
    with ann(trusting) as connection:
        assert value(connection, "SHOW STATUS LIKE 'Ssl_version'").startswith("TLS")


@pytest.mark.parametrize("algorithm", ["zlib", "zstd"])
def test_compression(front, upstream, algorithm):
    server = front("--storage-mysql-compression", algorithm)
    with ann(server) as connection:
        assert value(connection, "SHOW STATUS LIKE 'Compression'") == "ON"
        if upstream.dialect == "mysql":
            assert value(connection, "SHOW STATUS LIKE 'Compression_algorithm'") == algorithm
        assert len(value(connection, "SELECT REPEAT('x', 3000000)")) == 3000000


def test_unix_socket(front, upstream):
    server = front("--mysql-socket", upstream.socket, host=False)
    with ann(server) as connection:
        assert value(connection, "SELECT 1") == 1
    assert f"upstream {upstream.socket} is reachable" in server.log_text()


def test_sessions_one_after_the_other_share_a_connection(front):
    server = front()
    ids = set()
    for _ in range(5):
        with ann(server) as connection:
            ids.add(value(connection, "SELECT CONNECTION_ID()"))
        time.sleep(0.1)
    assert len(ids) == 1


def test_connections_are_limited(front):
    server = front("--storage-mysql-max-open-conns", "2", "--storage-mysql-wait-timeout", "500ms")
    first, second = ann(server), ann(server)
    assert error_of(lambda: ann(server))[0] == 1040
    first.close()
    with ann(server) as third:
        assert value(third, "SELECT 1") == 1
    second.close()


def test_a_connection_that_was_killed_is_not_given_again(front, upstream):
    server = front()
    with ann(server) as connection:
        number = value(connection, "SELECT CONNECTION_ID()")
    wait_for(lambda: upstream.processes("ann") == 1)
    upstream.run(f"KILL {number}")
    wait_for(lambda: upstream.processes("ann") == 0)
    with ann(server) as connection:
        assert value(connection, "SELECT CONNECTION_ID()") != number


def test_idle_connections_are_closed(front, upstream):
    server = front("--storage-mysql-idle-timeout", "1s")
    with ann(server) as connection:
        assert value(connection, "SELECT 1") == 1
    wait_for(lambda: upstream.processes("ann") == 0, 10)


def test_an_upstream_that_comes_and_goes(new_server, shared_work):
    upstream = Upstream("mariadb", shared_work / "upstream-restarted").start()
    upstream.run("CREATE USER ann IDENTIFIED BY 'apw'; CREATE USER own IDENTIFIED BY 'opw'")
    port = upstream.port
    upstream.stop()
    server = new_server("--storage", "mysql", "--mysql-host", "127.0.0.1", "--mysql-port", str(port),
                        "--mysql-user", "own", "--mysql-password", "opw").start()
    wait_for(lambda: "cannot be used" in server.log_text())
    code, text = error_of(lambda: ann(server))
    assert code == 2003 and f"127.0.0.1:{port}" in text
    upstream.start(f"--port={port}")
    try:
        wait_for(lambda: "is reachable" in server.log_text())
        wait_for(lambda: can_connect(server))
    finally:
        upstream.stop()
    wait_for(lambda: server.log_text().count("cannot be used") == 2)
    assert error_of(lambda: ann(server))[0] in (2003, 2013)


def can_connect(server):
    try:
        with ann(server) as connection:
            return value(connection, "SELECT 1") == 1
    except pymysql.Error:
        return False


def test_a_password_that_changes_is_read_again(front, upstream, work):
    secret = work / "secret"
    secret.write_text("no\n")
    upstream.run("DROP USER IF EXISTS turn; CREATE USER turn IDENTIFIED BY 'new'")
    server = front("--mysql-user", "turn", "--mysql-password", "", "--mysql-password-file", str(secret), wait=False)
    wait_for(lambda: "Access denied for user 'turn'" in server.log_text())
    secret.write_text("new\n")
    server.signal(signal.SIGHUP)
    wait_for(lambda: "is reachable" in server.log_text(), 10)
    assert "new" not in re.sub(r"[^\n]*reload[^\n]*", "", server.log_text())


def objects(server):
    """SHOW PINTAIL TABLES of the database shop, by name."""
    rows = server.query("SHOW PINTAIL TABLES WHERE `Database` = 'shop'", user="own", password="opw")
    return {row[1]: row for row in rows}


def test_what_the_upstream_has_is_known(front, upstream):
    upstream.run("""
        DROP DATABASE shop; CREATE DATABASE shop; USE shop;
        CREATE TABLE plain (id INT PRIMARY KEY AUTO_INCREMENT, n VARCHAR(20) NOT NULL DEFAULT 'x', KEY (n));
        CREATE TABLE child (id INT PRIMARY KEY, p INT, v INT GENERATED ALWAYS AS (id + 1) STORED,
            FOREIGN KEY (p) REFERENCES plain (id), CHECK (id > 0));
        CREATE TABLE parts (id INT PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 3;
        CREATE TABLE words (id INT PRIMARY KEY, t TEXT, FULLTEXT (t));
        CREATE TABLE map (id INT PRIMARY KEY, g GEOMETRY);
        CREATE VIEW sight AS SELECT id FROM plain;
        CREATE PROCEDURE act() SELECT 1;
        CREATE EVENT tick ON SCHEDULE EVERY 1 DAY DO SELECT 1""")
    server = front()
    wait_for(lambda: "discovered" in server.log_text())
    seen = objects(server)
    assert {name: row[2] for name, row in seen.items()} == {
        "plain": "TABLE", "child": "TABLE", "parts": "TABLE", "words": "TABLE", "map": "TABLE",
        "sight": "VIEW", "act": "PROCEDURE", "tick": "EVENT"}
    for name, columns in (("plain", 2), ("child", 3), ("parts", 1), ("words", 2)):
        assert seen[name][3:] == ("InnoDB", columns, "YES", None), name
    assert seen["map"][5] == "NO" and "GEOMETRY" in seen["map"][6]
    assert seen["sight"][3:] == (None, None, None, None)
    # What others do to it is seen when it is asked for.
    upstream.run("USE shop; ALTER TABLE plain ADD COLUMN more INT; DROP TABLE child; CREATE TABLE fresh (a INT)")
    wait_for(lambda: objects(server).get("fresh") is not None)
    seen = objects(server)
    assert seen["plain"][4] == 3 and "child" not in seen
    # Not everybody may see the names of everything.
    with ann(server) as connection:
        assert error_of(lambda: value(connection, "SHOW PINTAIL TABLES"))[0] == 1227
    assert server.stop() == 0


def test_one_database_can_be_chosen(front, upstream):
    upstream.run("CREATE DATABASE IF NOT EXISTS elsewhere; CREATE TABLE IF NOT EXISTS elsewhere.t (a INT)")
    server = front("--mysql-database", "elsewhere")
    wait_for(lambda: "discovered" in server.log_text())
    rows = server.query("SHOW PINTAIL TABLES", user="own", password="opw")
    assert [row[:2] for row in rows] == [("elsewhere", "t")]


def test_mariadb_is_told_who_the_client_is(new_server, shared_work):
    upstream = Upstream("mariadb", shared_work / "upstream-proxied", "--proxy-protocol-networks=127.0.0.1").start()
    try:
        upstream.run("CREATE USER 'ann'@'192.0.2.%' IDENTIFIED BY 'apw'; CREATE USER own IDENTIFIED BY 'opw'")
        server = new_server("--storage", "mysql", "--mysql-host", "127.0.0.1", "--mysql-port", str(upstream.port),
                            "--mysql-user", "own", "--mysql-password", "opw",
                            "--storage-mysql-send-proxy-header", "true",
                            "--proxy-protocol-networks", "127.0.0.0/8").start()
        wait_for(lambda: "is reachable" in server.log_text())
        ids = {}
        for host in ("192.0.2.7", "192.0.2.8", "192.0.2.7"):
            with through_proxy(server, host) as connection:
                assert value(connection, "SELECT USER()") == f"ann@{host}"
                ids.setdefault(host, set()).add(value(connection, "SELECT CONNECTION_ID()"))
            time.sleep(0.1)
        # A connection of one address does not go to another.
        assert not ids["192.0.2.7"] & ids["192.0.2.8"] and len(ids["192.0.2.7"]) == 1
    finally:
        upstream.stop()


def through_proxy(server, host):
    """A connection that begins with a PROXY header, version 1."""
    plain = socket.create_connection(("127.0.0.1", server.port))
    plain.sendall(f"PROXY TCP4 {host} 127.0.0.1 5555 {server.port}\r\n".encode())
    connection = pymysql.connect(user="ann", password="apw", defer_connect=True)
    connection.connect(plain)
    return connection
