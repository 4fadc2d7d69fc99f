"""COM_FIELD_LIST, by which `mysql` completes names: packet for packet what the real servers answer."""

import pytest
from conftest import run
from pymysql.constants import COMMAND

TABLE = """CREATE TABLE t (a INT NOT NULL DEFAULT 5, b VARCHAR(10) DEFAULT 'xy', c INT, d TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
e DECIMAL(5,2) DEFAULT 1.5, f ENUM('a','b') DEFAULT 'b', g DATE DEFAULT '2020-01-01', h INT NOT NULL, i BIT(3) DEFAULT b'101',
j BINARY(2) DEFAULT 'a', k INT NOT NULL AUTO_INCREMENT PRIMARY KEY, l TEXT, m VARCHAR(3) NOT NULL, n DATETIME(3) NOT NULL,
o ENUM('q','r') NOT NULL, p SET('q','r') NOT NULL DEFAULT 'q,r', q YEAR DEFAULT 1999, r TIME DEFAULT '10:00:00',
s DOUBLE DEFAULT 1.5, ts TIMESTAMP DEFAULT '2020-01-01 00:00:00', u DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
w BLOB NOT NULL, x INT ZEROFILL DEFAULT 5, y SET('a','b') NOT NULL, z DECIMAL(5,2) NOT NULL,
latin CHAR(3) CHARACTER SET latin1 DEFAULT 'ü')"""


def fields(connection, table, pattern):
    """The packets of the answer; an error as its code."""
    connection._execute_command(COMMAND.COM_FIELD_LIST, table + b"\0" + pattern)
    packets = []
    while not packets or not (packets[-1][0] == 0xfe and len(packets[-1]) < 9):
        packets.append(connection._read_packet().get_all_data())
    return packets


@pytest.mark.parametrize("dialect", ["mysql", "mariadb"])
def test_the_same_packets(relays, server, mariadb_server, dialect):
    ours = server if dialect == "mysql" else mariadb_server
    answers = []
    for who in (relays.upstream(dialect), ours):
        with who.connect() as connection:
            run(connection, "DROP DATABASE IF EXISTS listed")
            run(connection, "CREATE DATABASE listed")
            connection.select_db("listed")
            run(connection, TABLE)
            answers.append([fields(connection, b"t", pattern) for pattern in (b"", b"L%", b"_", b"nothing")])
            run(connection, "DROP DATABASE listed")
    assert answers[0] == answers[1]
    assert len(answers[0][0]) == 27
