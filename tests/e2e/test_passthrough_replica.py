"""A replica of the real server that is attached through the relay: COM_REGISTER_REPLICA and both binary log dumps."""

import time

import pymysql
import pytest
from conftest import Upstream, relay_options


@pytest.fixture(params=["mysql", "mariadb"])
def pair(request, work):
    """A source, and a server that is to be its replica."""
    source = Upstream(request.param, work / "source", "--binlog").start()
    replica = Upstream(request.param, work / "replica", "--binlog").start("--server-id=2")
    yield source, replica
    replica.stop()
    source.stop()


COMMANDS = {
    "mysql": ["RESET BINARY LOGS AND GTIDS",
              "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = {port}, SOURCE_USER = 'copy', "
              "SOURCE_PASSWORD = 'pw', SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1, SOURCE_CONNECT_RETRY = 1",
              "START REPLICA"],
    "mariadb": ["CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = {port}, MASTER_USER = 'copy', MASTER_PASSWORD = 'pw', "
                "MASTER_USE_GTID = slave_pos, MASTER_CONNECT_RETRY = 1, MASTER_SSL = 0",
                "START SLAVE"],
}


def eventually(check, seconds=60):
    deadline = time.monotonic() + seconds
    while True:
        try:
            assert check()
            return
        except (AssertionError, pymysql.MySQLError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def test_a_replica_behind_the_relay(new_server, pair):
    source, replica = pair
    if source.dialect == "mysql":
        source.query("RESET BINARY LOGS AND GTIDS")
    source.run("CREATE USER copy IDENTIFIED BY 'pw'; GRANT REPLICATION SLAVE ON *.* TO copy; CREATE DATABASE d;"
               "CREATE TABLE d.t (id INT PRIMARY KEY, v VARCHAR(2000)); INSERT INTO d.t VALUES (1, 'before')")
    relay = new_server(*relay_options(source.port)).start()
    for command in COMMANDS[source.dialect]:
        replica.query(command.format(port=relay.port))
    eventually(lambda: replica.query("SELECT * FROM d.t") == ((1, "before"),))
    # Live, and more than one buffer.
    source.query("INSERT INTO d.t SELECT 2 + seq, REPEAT('x', 2000) FROM (WITH RECURSIVE n AS (SELECT 0 AS seq UNION ALL "
                 "SELECT seq + 1 FROM n WHERE seq < 900) SELECT seq FROM n) AS numbers")
    eventually(lambda: replica.query("SELECT COUNT(*), SUM(LENGTH(v)) FROM d.t")[0] == (902, 901 * 2000 + 6))
    # The dump goes on beside other sessions, and ends with its client.
    assert relay.query("SELECT COUNT(*) FROM d.t") == ((902,),)
    replica.query("STOP REPLICA" if source.dialect == "mysql" else "STOP SLAVE")
    eventually(lambda: all(row[1] != "copy" for row in relay.query("SHOW PINTAIL SESSIONS")))
    assert relay.stop() == 0
