"""Connections opened ahead (storage.mysql.warm_conns): whom they serve, and that a login over one is as any other."""

import time

import pymysql
import pytest
from conftest import Upstream, relay_options, run
from wireclient import BASE, FOUND_ROWS, WireClient


@pytest.fixture(scope="module", params=["mysql", "mariadb"])
def upstream(request, shared_work):
    server = Upstream(request.param, shared_work / f"upstream-warm-{request.param}").start()
    to = "FOR" if request.param == "mariadb" else "TO"
    server.run(f"""
        CREATE DATABASE shop; CREATE TABLE shop.t (a INT, secret INT); INSERT INTO shop.t VALUES (1, 2);
        CREATE ROLE clerk; CREATE ROLE boss; GRANT SELECT (a) ON shop.t TO clerk; GRANT ALL ON *.* TO boss;
        CREATE USER ann IDENTIFIED BY 'apw'; CREATE USER bob IDENTIFIED BY 'bpw'; CREATE USER own IDENTIFIED BY 'opw';
        GRANT clerk TO ann; SET DEFAULT ROLE clerk {to} ann; GRANT boss TO own; SET DEFAULT ROLE boss {to} own""")
    yield server
    server.stop()


@pytest.fixture
def warm(new_server):
    """Makes a relay that keeps two connections open ahead; ready, as a client has logged in."""

    def make(port, *options):
        relay = new_server(*relay_options(port, "--mysql-user", "own", "--mysql-password", "opw",
                                          "--storage-mysql-warm-conns", "2", "--storage-mysql-max-idle-conns", "1",
                                          *options)).start()
        for _ in range(3):
            ann(relay).close()
        eventually(lambda: figure(relay, "pool_warm_connections") == 2)
        return relay

    return make


def ann(server, **options):
    return server.connect(**{"user": "ann", "password": "apw", **options})


def figure(server, name):
    """A figure of the pool. Asked for over one connection with flags of its own: logins count."""
    try:
        return int(dict(run(server.watch, "SHOW PINTAIL STATUS"))[name])
    except (AttributeError, pymysql.Error):
        server.watch = server.connect(user="bob", password="bpw", client_flag=FOUND_ROWS)
        return int(dict(run(server.watch, "SHOW PINTAIL STATUS"))[name])


def eventually(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.05)


def state_of(connection):
    """What a session can see of itself, but for what differs between any two."""
    volatile = {"pseudo_thread_id", "rand_seed1", "rand_seed2", "timestamp", "statement_id"}
    variables = {name: v for name, v in run(connection, "SHOW SESSION VARIABLES") if name not in volatile}
    return variables, run(connection, "SELECT USER(), CURRENT_USER(), CURRENT_ROLE(), DATABASE(), @x, LAST_INSERT_ID()")


def test_a_login_takes_one_and_is_as_any_other(warm, upstream):
    relay = warm(upstream.port)
    taken = figure(relay, "pool_warm_taken_total")
    # Idle connections of the account would come first.
    upstream.run("DROP USER IF EXISTS new; CREATE USER new IDENTIFIED BY 'npw'; GRANT clerk TO new; GRANT clerk TO bob")
    with relay.connect(user="new", password="npw") as connection, upstream.connect(user="new", password="npw") as direct:
        assert figure(relay, "pool_warm_taken_total") == taken + 1
        assert state_of(connection) == state_of(direct)
    with ann(relay), ann(relay, charset="latin1") as connection:
        assert figure(relay, "pool_warm_taken_total") > taken + 1
        with ann(upstream, charset="latin1") as direct:
            assert state_of(connection) == state_of(direct)
            # The role and the grants of the account that opened it are gone.
            assert run(connection, "SELECT a FROM shop.t") == ((1,),)
            for sql in ("SELECT secret FROM shop.t", "SELECT * FROM mysql.user", "SET ROLE boss"):
                assert error_text(connection, sql) == error_text(direct, sql)
    with relay.connect(user="bob", password="bpw") as connection, upstream.connect(user="bob", password="bpw") as direct:
        assert state_of(connection) == state_of(direct)
        assert error_text(connection, "SELECT a FROM shop.t") == error_text(direct, "SELECT a FROM shop.t")
    eventually(lambda: figure(relay, "pool_warm_connections") == 2)
    assert relay.stop() == 0


def error_text(connection, sql):
    with pytest.raises(pymysql.Error) as caught:
        run(connection, sql)
    return caught.value.args


def test_only_logins_that_ask_for_the_same(warm, upstream):
    relay = warm(upstream.port)
    upstream.run("GRANT UPDATE ON shop.t TO bob; GRANT SELECT ON shop.t TO bob")
    taken = figure(relay, "pool_warm_taken_total")
    # Affected rows are counted as this one wants them, which is settled before the login.
    client = WireClient(relay.port, BASE | FOUND_ROWS, "bob", "bpw")
    reply = client.query("UPDATE shop.t SET a = a")[0][1]
    assert reply[:2] == b"\0\1"
    client.close()
    assert figure(relay, "pool_warm_taken_total") == taken
    # A wrong password does not get in, and says so as ever.
    for _ in range(3):
        with pytest.raises(pymysql.Error) as caught:
            relay.connect(user="bob", password="no")
        assert caught.value.args[0] == 1045 and "'bob'@" in caught.value.args[1]
    eventually(lambda: figure(relay, "pool_warm_connections") == 2)


def test_they_make_room(warm, upstream):
    """Some of the few connections that there may be are open ahead; others want them."""
    relay = warm(upstream.port, "--storage-mysql-max-open-conns", "4", "--storage-mysql-wait-timeout", "20s")
    others = [relay.connect(user="bob", password="bpw", client_flag=FOUND_ROWS) for _ in range(3)]
    for connection in others:
        assert run(connection, "SELECT 1") == ((1,),)
    assert (figure(relay, "pool_connections"), figure(relay, "pool_warm_connections")) == (4, 0)
    for connection in others:
        connection.close()


def test_they_come_back_after_a_restart(warm, work):
    other = Upstream("mariadb", work / "u").start()
    other.run("CREATE USER ann IDENTIFIED BY 'apw'; CREATE USER bob IDENTIFIED BY 'bpw'; CREATE USER own IDENTIFIED BY 'opw'")
    relay = warm(other.port)
    port = other.port
    other.stop()
    other.start(f"--port={port}")
    try:
        # One is for what Pintail asks by itself.
        eventually(lambda: other.processes("own") == 3 and can(lambda: figure(relay, "pool_warm_connections") == 2))
        taken = figure(relay, "pool_warm_taken_total")
        with ann(relay) as connection:
            assert run(connection, "SELECT CURRENT_USER()") == (("ann@%",),)
        assert figure(relay, "pool_warm_taken_total") == taken + 1
        # One that was closed behind our back is not given to a client, and replaced.
        for (number,) in other.run("SELECT id FROM information_schema.processlist WHERE user = 'own' AND command = 'Sleep'"):
            other.run(f"KILL {number}")
        for _ in range(5):
            with ann(relay) as connection:
                assert run(connection, "SELECT 1") == ((1,),)
        eventually(lambda: figure(relay, "pool_warm_connections") == 2)
    finally:
        other.stop()


def can(condition):
    try:
        return condition()
    except pymysql.Error:
        return False


def test_what_runs_at_logins_is_run_at_each(warm, upstream):
    """COM_CHANGE_USER does not run init_connect: where there is one, connections are not used for another login."""
    relay = warm(upstream.port)
    upstream.query("SET GLOBAL init_connect = 'SET @x = 7'")
    try:
        for _ in range(3):
            with relay.connect(user="bob", password="bpw") as connection:
                assert run(connection, "SELECT @x") == ((7,),)
    finally:
        upstream.query("SET GLOBAL init_connect = ''")
