"""Sources whose log does not have all that changes their tables: filters, and replicas that do not log what they apply."""

import pytest
from conftest import Upstream
from test_replica_source import follower, run, status, wait_for, wait_for_copy, wait_for_error

KINDS = ["mysql", "mariadb"]
FILTERS = ["--binlog-do-db=shop", "--binlog-ignore-db=hidden"]
REPLICA_OF = {
    "mysql": "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = 1, SOURCE_USER = 'nobody'",
    "mariadb": "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = 1, MASTER_USER = 'nobody'",
}
NO_REPLICA = {"mysql": "RESET REPLICA ALL", "mariadb": "RESET SLAVE ALL"}


@pytest.fixture(params=KINDS)
def source(request, work):
    """A server that filters its log and is a replica; its base must not be there for that."""
    server = Upstream(request.param, work / "filtered", "--binlog").start(*FILTERS, "--log-slave-updates=OFF", "--skip-slave-start")
    server.run("CREATE USER own IDENTIFIED BY 'opw'; GRANT ALL ON *.* TO own; CREATE DATABASE shop;"
               "CREATE TABLE shop.t (id INT PRIMARY KEY, v VARCHAR(100), b LONGBLOB); INSERT INTO shop.t VALUES (1, 'a', NULL);"
               + REPLICA_OF[request.param])
    yield server
    server.stop()


def test_a_log_that_does_not_have_all(new_server, source):
    server = follower(new_server, source.port)
    wait_for_error(server, "binlog_do_db keeps all but shop out of its log", "binlog_ignore_db keeps hidden out of its log",
                   "it is a replica itself and does not log what it applies: start it with log_replica_updates (log_slave_updates)")
    source.stop()
    source.start(f"--port={source.port}", "--log-slave-updates=OFF", "--skip-slave-start")
    run(server, "START REPLICA")
    wait_for(lambda: "it is a replica itself" in status(server)["Last_IO_Error"], lambda: status(server))
    assert "binlog_" not in status(server)["Last_IO_Error"]
    source.run(NO_REPLICA[source.dialect])
    run(server, "START REPLICA")  # What is no replica has nothing to log of others.
    wait_for_copy(server, source)
    if source.dialect == "mariadb":  # Which of the two it is cannot be seen without a grant.
        source.run("CREATE USER modest IDENTIFIED BY 'mpw'; GRANT SELECT, LOCK TABLES, REPLICATION SLAVE, BINLOG MONITOR ON *.* TO modest")
        modest = follower(new_server, source.port, user="modest", password="mpw")
        wait_for_copy(modest, source)
        assert "GRANT SLAVE MONITOR ON *.* to the account" in modest.log_text()
