"""Deep and large statements are answered or refused, soon, and the server goes on."""

import time

import pymysql
import pytest

# Answered, or refused with one of these: not supported, too deep, too many subqueries, out of memory for the parser.
REFUSALS = {1235, 1436, 1473}


def nested(template, depth, core):
    text = core
    for _ in range(depth):
        text = template.format(text)
    return text


SHAPES = {
    "operators without tables": lambda n: "SELECT " + nested("1-({})", n, "1"),
    "operators": lambda n: "SELECT " + nested("a-({})", n, "a") + " FROM t",
    "functions of nullable arguments": lambda n: "SELECT " + nested("CONCAT({}, s)", n, "s") + " FROM t",
    "scalar subqueries": lambda n: "SELECT " + nested("(SELECT {} FROM t)", n // 8, "a") + " FROM t",
    "derived tables": lambda n: "SELECT * FROM " + nested("(SELECT * FROM {} x)", n // 8, "t") + " y",
    "CASE": lambda n: "SELECT " + "CASE WHEN a THEN " * n + "1" + " END" * n + " FROM t",
    "parentheses": lambda n: "SELECT " + "(" * (n * 10) + "1" + ")" * (n * 10),
    "a list": lambda n: "SELECT COUNT(*) FROM t WHERE a IN (" + ",".join(str(i) for i in range(n * 40)) + ")",
    "alternatives": lambda n: "SELECT COUNT(*) FROM t WHERE " + " OR ".join(f"a = {i}" for i in range(n * 10)),
}


@pytest.fixture(scope="module")
def table(server):
    connection = server.connect()
    cursor = connection.cursor()
    cursor.execute("CREATE DATABASE IF NOT EXISTS deep")
    cursor.execute("USE deep")
    cursor.execute("CREATE TABLE IF NOT EXISTS t (a INT, s VARCHAR(10))")
    cursor.execute("REPLACE INTO t VALUES (1, 'a')")
    yield cursor
    connection.close()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("depth", [50, 290, 890, 1100])
def test_nesting_ends_soon(table, shape, depth):
    started = time.monotonic()
    try:
        table.execute(SHAPES[shape](depth))
        table.fetchall()
    except pymysql.err.Error as e:
        assert e.args[0] in REFUSALS, e
    assert time.monotonic() - started < 10
    table.execute("SELECT 1")
    assert table.fetchall() == ((1,),)
