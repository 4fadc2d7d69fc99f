"""What a relay does when the server, the client, or what is between them fails."""

import asyncio
import signal
import struct
import subprocess
import sys
import threading
import time

import pymysql
import pytest
from conftest import HERE, ROOT, Upstream, error_of, relay_options, run
from test_kill import Background
from wireclient import (
    BASE,
    COM_QUERY,
    COM_RESET_CONNECTION,
    COM_SET_OPTION,
    COM_STMT_SEND_LONG_DATA,
    DEPRECATE_EOF,
    SESSION_TRACK,
    ErrorPacket,
    Gone,
    WireClient,
)

sys.path.insert(0, str(ROOT / "tests/faultproxy"))
from faultproxy import FaultProxy, corrupt_at, cut_after, delay, duplicate, forward, hang, stall  # noqa: E402

GONE = (2006, 2013, 2003, 2055, 0, 1927)  # the last is MariaDB 10.5's when it stops
NO_TLS = ("--storage-mysql-tls-mode", "disabled")


@pytest.fixture(params=["mysql", "mariadb"])
def dialect(request):
    return request.param


@pytest.fixture
def upstream(relays, dialect):
    return relays.upstream(dialect)


@pytest.fixture
def behind(new_server, upstream):
    """A relay with a fault proxy before the server."""
    with FaultProxy(upstream.port) as proxy:
        server = new_server(*relay_options(proxy.port, *NO_TLS)).start()
        server.dialect = upstream.dialect
        yield server, proxy


def eventually(check, seconds=20):
    deadline = time.monotonic() + seconds
    while True:
        try:
            return check()
        except (AssertionError, pymysql.MySQLError, OSError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def error_of_login(server):
    try:
        server.connect(connect_timeout=15).close()
    except pymysql.MySQLError as e:
        return e.args
    return None


def test_upstream_down_at_start(new_server, work, dialect):
    upstream = Upstream(dialect, work / "u").start()
    port = upstream.port
    upstream.stop()
    server = new_server(*relay_options(port, *NO_TLS)).start()
    code, text = error_of_login(server)
    assert code in (2003, 2013) and str(port) in text, text
    assert str(port) in server.log_text()
    upstream.start(f"--port={port}")
    try:
        eventually(lambda: server.query("SELECT 1"))
    finally:
        upstream.stop()


@pytest.mark.parametrize("accepting", ["hang", "refuse"])
def test_no_greeting(new_server, upstream, accepting):
    with FaultProxy(upstream.port) as proxy:
        proxy.accepting = accepting
        server = new_server(*relay_options(proxy.port, *NO_TLS, "--storage-mysql-connect-timeout", "2s")).start()
        code, text = error_of_login(server)
        assert code in GONE and str(proxy.port) in text, text
        proxy.accepting = "forward"
        proxy.cut()
        eventually(lambda: server.query("SELECT 1"))


def test_an_idle_connection_that_hangs(new_server, upstream):
    """A login over one that says nothing, and then over a new one that says as little, ends in time."""
    with FaultProxy(upstream.port) as proxy:
        server = new_server(*relay_options(proxy.port, *NO_TLS, "--storage-mysql-read-timeout", "1s",
                                           "--storage-mysql-connect-timeout", "1s")).start()
        server.query("SELECT 1")
        proxy.down = stall
        code, text = error_of_login(server)
        assert code in GONE and str(proxy.port) in text, text
        proxy.down = forward
        assert eventually(lambda: server.query("SELECT 2")) == ((2,),)


@pytest.mark.parametrize("count", [200, 1000, 65536, 1000001])
def test_closing_within_a_result(behind, count):
    server, proxy = behind
    with server.connect() as c:
        assert run(c, "SELECT 1") == ((1,),)
        seen = []

        def rule(data, before):
            seen.append(before)
            return cut_after(seen[0] + count)(data, before)

        proxy.down = rule
        try:
            code = error_of(c, "SELECT * FROM shared.large")
        except OSError:
            code = 0
        assert code in GONE, code
    proxy.down = forward
    eventually(lambda: server.query("SELECT 1"))


@pytest.mark.parametrize("rule", [corrupt_at(3, 0x40), duplicate, corrupt_at(0), corrupt_at(4)], ids=["number", "twice", "length", "mark"])
def test_malformed_packets_of_the_server(behind, rule):
    server, proxy = behind
    with server.connect(read_timeout=5) as c:
        run(c, "SELECT 1")
        proxy.down = lambda data, _: rule(data, 0)
        for _ in range(3):
            try:
                run(c, "SELECT id, name FROM shared.large WHERE id < 5")
            except (pymysql.MySQLError, OSError, AssertionError, IndexError, struct.error, ValueError):
                break
    proxy.down = forward
    proxy.cut()
    eventually(lambda: server.query("SELECT 1"))
    assert server.process.poll() is None


@pytest.mark.parametrize("how", ["kill", "command", "hang up"])
def test_stalled_result(behind, how):
    """A session whose result hangs is ended by KILL, or by its client; others go on."""
    server, proxy = behind
    codes = []
    victim = server.connect(read_timeout=60)
    run(victim, "SELECT 1")
    proxy.down = stall
    thread = threading.Thread(target=lambda: codes.append(error_of(victim, "SELECT 2")), daemon=True)
    thread.start()
    time.sleep(0.3)
    proxy.down = forward
    with server.connect() as other:
        assert run(other, "SELECT 3") == ((3,),)
        if how == "kill":
            run(other, f"KILL {victim.thread_id()}")
        elif how == "command":
            if server.dialect == "mysql":
                pytest.skip("MySQL 9.7 no longer has COM_PROCESS_KILL")
            other.kill(victim.thread_id())
        else:
            victim._sock.shutdown(2)
        thread.join(60)
        assert codes and codes[0] in GONE, codes
        assert run(other, "SELECT 4") == ((4,),)


ENDLESS = "SELECT SLEEP(60) AS endless"


def killed(server, number_of):
    """What a statement says that KILL QUERY ends."""
    with server.connect() as victim, server.connect() as killer:
        number = number_of(victim)
        running = Background(victim, ENDLESS)
        eventually(lambda: ids_of_endless(killer))
        run(killer, f"KILL QUERY {number or ids_of_endless(killer)}")
        running.join()
        assert run(victim, "SELECT 2") == ((2,),)
    return running.rows or running.code()


def ids_of_endless(connection):
    (number,), = run(connection, f"SELECT id FROM information_schema.processlist WHERE info = '{ENDLESS}'") or ((None,),)
    assert number is not None
    return number


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_kill_query(relays, dialect, mode):
    """By the number of the greeting, by the server's own, and by what the server shows: it ends, and the session goes on."""
    relay = relays.relay(dialect, "--pool-mode", mode)
    expected = killed(relay.upstream, lambda victim: victim.thread_id())
    assert killed(relay, lambda victim: victim.thread_id()) == expected
    assert killed(relay, lambda _: None) == expected
    if mode == "session":
        assert killed(relay, lambda victim: run(victim, "SELECT CONNECTION_ID()")[0][0]) == expected


def test_kill_never_hits_another_session(relays, dialect):
    """While one is killed over and over, another that shares its connection goes on."""
    relay = relays.relay(dialect, "--pool-mode", "transaction", "--storage-mysql-max-open-conns", "2")
    with relay.connect() as victim, relay.connect() as other, relay.connect() as killer:
        stop = threading.Event()

        def busy():
            while not stop.is_set():
                error_of(victim, "SELECT 1")

        thread = threading.Thread(target=busy, daemon=True)
        thread.start()
        killing = threading.Thread(target=lambda: [error_of(killer, f"KILL QUERY {victim.thread_id()}") for _ in range(1000)], daemon=True)
        killing.start()
        try:
            asked = 0
            while killing.is_alive():
                # 0: SLEEP has not been interrupted.
                assert run(other, "SELECT SLEEP(0.001)") == ((0,),)
                asked += 1
        finally:
            stop.set()
            killing.join(60)
            thread.join(60)
        assert asked > 5


@pytest.fixture
def impatient(new_server, upstream):
    """A relay that waits a second for the server to take something of what it sends; the proxy takes little ahead."""
    with FaultProxy(upstream.port, buffer=65536) as proxy:
        server = new_server(*relay_options(proxy.port, *NO_TLS, "--storage-mysql-write-timeout", "1s")).start()
        go_on = threading.Event()
        yield server, proxy, go_on
        go_on.set()


FILLING = b"fill" * 1000


def test_upstream_that_reads_no_more(impatient):
    """A statement that it does not take is ended with an error; other sessions go on."""
    server, proxy, go_on = impatient
    with server.connect() as victim, server.connect() as other:
        run(victim, "SELECT 1")
        proxy.up = hang(go_on, FILLING)
        with pytest.raises(pymysql.MySQLError) as e:
            run(victim, f"SELECT LENGTH('{FILLING.decode() * 3000}')")
        assert e.value.args[0] == 2013 and "time-out" in e.value.args[1], e.value.args
        assert run(other, "SELECT 2") == ((2,),)
        assert server.query("SELECT 3") == ((3,),)
    server.assert_alive()


def test_file_that_the_upstream_is_slow_to_read(impatient, work):
    """It may be executing what it has of it, and is waited for."""
    server, proxy, go_on = impatient
    path = work / "lines"
    path.write_bytes((FILLING + b"\n") * 3000)
    with server.connect() as connection:
        run(connection, "CREATE DATABASE IF NOT EXISTS slow")
        run(connection, "DROP TABLE IF EXISTS slow.l")
        run(connection, "CREATE TABLE slow.l (v TEXT)")
        proxy.up = hang(go_on, FILLING)
        timer = threading.Timer(2.5, go_on.set)
        timer.start()
        run(connection, f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE slow.l")
        timer.join()
        assert run(connection, "SELECT COUNT(*) FROM slow.l") == ((3000,),)


def test_slow_upstream_is_waited_for(behind):
    server, proxy = behind
    proxy.down = delay(0.2)
    assert server.query("SELECT 1") == ((1,),)


def test_out_of_connections(new_server, work, dialect):
    upstream = Upstream(dialect, work / "u").start("--max-connections=12")
    try:
        server = new_server(*relay_options(upstream.port, *NO_TLS)).start()
        held = []
        code = None
        for _ in range(20):
            try:
                held.append(server.connect())
            except pymysql.MySQLError as e:
                code = e.args[0]
                break
        assert code == 1040, code
        for c in held:
            c.close()
        eventually(lambda: server.query("SELECT 1"))
    finally:
        upstream.stop()


def test_read_only_switch(relays, dialect, upstream):
    relay = relays.relay(dialect)
    relay.query("CREATE DATABASE IF NOT EXISTS ro")
    relay.query("CREATE TABLE IF NOT EXISTS ro.t (i INT)")
    relay.query("CREATE USER IF NOT EXISTS ro_user@'%'")
    relay.query("GRANT ALL ON ro.* TO ro_user@'%'")
    with relay.connect(user="ro_user") as c:
        run(c, "INSERT INTO ro.t VALUES (1)")
        upstream.query("SET GLOBAL read_only = 1")
        try:
            assert error_of(c, "INSERT INTO ro.t VALUES (2)") == 1290
        finally:
            upstream.query("SET GLOBAL read_only = 0")
        assert error_of(c, "INSERT INTO ro.t VALUES (3)") is None


def test_credentials_change(relays, dialect, upstream):
    relay = relays.relay(dialect)
    upstream.query("DROP USER IF EXISTS changing@'%'")
    upstream.query("CREATE USER changing@'%' IDENTIFIED BY 'one'")
    relay.query("SELECT 1", user="changing", password="one")
    upstream.query("ALTER USER changing@'%' IDENTIFIED BY 'two'")
    with pytest.raises(pymysql.MySQLError) as e:
        relay.connect(user="changing", password="one")
    assert e.value.args[0] == 1045
    assert relay.query("SELECT 2", user="changing", password="two") == ((2,),)
    upstream.query("DROP USER changing@'%'")
    with pytest.raises(pymysql.MySQLError):
        relay.connect(user="changing", password="two")


def test_accounts_are_the_servers(relays, dialect, upstream):
    """What an account may not do any more it may not do from then on, with the server's own words."""
    relay = relays.relay(dialect)
    for sql in ("DROP USER IF EXISTS barred@'%'", "CREATE USER barred@'%' IDENTIFIED BY 'pw'", "GRANT SELECT ON shared.* TO barred@'%'"):
        upstream.query(sql)

    def said(server):
        try:
            with server.connect(user="barred", password="pw") as connection:
                return error_of(connection, "SELECT MAX(id) FROM shared.large")
        except pymysql.MySQLError as e:
            return e.args

    for sql, code in [("REVOKE SELECT ON shared.* FROM barred@'%'", 1142), ("GRANT SELECT ON shared.* TO barred@'%'", None),
                      ("ALTER USER barred@'%' ACCOUNT LOCK", {"mysql": 3118, "mariadb": 4151}[dialect]),
                      ("ALTER USER barred@'%' ACCOUNT UNLOCK", None),
                      ("ALTER USER barred@'%' PASSWORD EXPIRE", {"mysql": 1862, "mariadb": 1820}[dialect]),
                      ("ALTER USER barred@'%' IDENTIFIED BY 'pw'", None), ("ALTER USER barred@'%' REQUIRE X509", 1045),
                      ("ALTER USER barred@'%' REQUIRE NONE", None)]:
        upstream.query(sql)
        direct, relayed = said(upstream), said(relay)
        assert direct == relayed, sql
        assert (direct[0] if isinstance(direct, tuple) else direct) == code, sql


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_expired_password(relays, dialect, upstream, mode):
    """Who has to set it may log in, though never seen before, and goes on then; nobody gets a connection that may not do more."""
    relay = relays.relay(dialect, "--pool-mode", mode)

    def expire(old):
        for sql in (f"DROP USER IF EXISTS '{old}'@'%'", f"CREATE USER '{old}'@'%' IDENTIFIED BY 'one'",
                    f"GRANT SELECT ON shared.* TO '{old}'@'%'", f"ALTER USER '{old}'@'%' PASSWORD EXPIRE"):
            upstream.query(sql)
        return WireClient(relay.port, user=old, password="one")

    def refused(client):
        with pytest.raises(ErrorPacket) as e:
            client.rows("SELECT MAX(id) FROM shared.large")
        return e.value.code

    user = f"expired_{mode}"
    with expire(user) as waiting, WireClient(relay.port, user=user, password="one") as client:
        assert refused(client) == refused(waiting) == 1820
        new = "'two'" if dialect == "mysql" else "PASSWORD('two')"
        assert client.query(f"SET PASSWORD = {new}")[0][1][:1] == b"\0"
        assert client.value("SELECT MAX(id) FROM shared.large") == "100000"
        number, _ = client.prepare("SELECT 'ready'")
        assert any(payload.endswith(b"ready") for _, payload in client.execute(number))
        with WireClient(relay.port, user=user, password="two") as other:
            assert other.value("SELECT MAX(id) FROM shared.large") == "100000"
            # As with the server itself: a session that began before has to set it too.
            assert refused(waiting) == 1820
            waiting.close()
            client.close()
            for _ in range(3):
                assert other.value("SELECT MAX(id) FROM shared.large") == "100000"
                with WireClient(relay.port, user=user, password="two") as one_more:
                    assert one_more.value("SELECT MAX(id) FROM shared.large") == "100000"


def test_secure_transport_is_that_of_the_relay(new_server, relays, dialect, upstream):
    secure, plain = relays.relay(dialect, "--storage-mysql-tls-mode", "required"), relays.relay(dialect, *NO_TLS)
    upstream.query("SET GLOBAL require_secure_transport = ON", unix_socket=upstream.socket)
    try:
        assert secure.query("SELECT 1") == ((1,),)
        for server in (plain, upstream):
            with pytest.raises(pymysql.MySQLError) as e:
                server.connect(ssl_disabled=True)
            # The real server lets a client in over TLS; ours would need it on the other side.
            assert e.value.args[0] in (3159, 1045), e.value
    finally:
        upstream.query("SET GLOBAL require_secure_transport = OFF", unix_socket=upstream.socket)


@pytest.fixture
def certified(work, dialect):
    server = Upstream(dialect, work / "u", "--tls=on").start()
    server.query("CREATE USER own@'%' IDENTIFIED BY 'pw' REQUIRE SUBJECT '/CN=client'")
    yield server
    server.stop()


def test_certificates_of_both_sides(new_server, certified):
    """The server's is checked, by its authority and its name; ours is shown to it."""
    tls = certified.work / "tls"
    options = ("--storage-mysql-tls-mode", "verify_identity", "--storage-mysql-tls-ca", str(tls / "ca.pem"))
    shown = ("--storage-mysql-tls-cert", str(tls / "client-cert.pem"), "--storage-mysql-tls-key", str(tls / "client-key.pem"))
    server = new_server(*relay_options(certified.port, *options, *shown)).start()
    assert server.query("SELECT CURRENT_USER()", user="own", password="pw") == (("own@%",),)
    server = new_server(*relay_options(certified.port, *options)).start()
    with pytest.raises(pymysql.MySQLError) as e:
        server.connect(user="own", password="pw")
    assert e.value.args[0] == 1045
    with FaultProxy(certified.port, "127.0.0.2") as other:
        server = new_server(*relay_options(other.port, *options, "--mysql-host", "127.0.0.2")).start()
        code, text = error_of_login(server)
        assert code == 2026 and "certificate" in text, text


def test_certificate_expired(new_server, work, dialect):
    upstream = Upstream(dialect, work / "u", "--tls=on").start()
    upstream.stop()
    tls = upstream.work / "tls"
    upstream.start(f"--ssl-cert={tls}/expired-cert.pem", f"--ssl-key={tls}/expired-key.pem")
    try:
        server = new_server(*relay_options(upstream.port, "--storage-mysql-tls-mode", "verify_ca", "--storage-mysql-tls-ca",
                                           str(tls / "ca.pem"))).start()
        code, text = error_of_login(server)
        assert code == 2026 and "certificate verify failed" in text, text
    finally:
        upstream.stop()


def test_client_gone_within_a_result(relays, dialect):
    relay = relays.relay(dialect)
    for _ in range(5):
        c = WireClient(relay.port)
        c.send_command(COM_QUERY, b"SELECT a.* FROM shared.large a, shared.large b LIMIT 3000000")
        c.packet()
        c.close()
    relay.assert_alive()

    def none_left():
        busy = [row for row in relay.upstream.query("SHOW PROCESSLIST") if row[7] and "3000000" in str(row[7])]
        assert not busy, busy
    eventually(none_left)


def test_client_gone_within_load_data(relays, dialect, upstream):
    relay = relays.relay(dialect)
    upstream.query("CREATE DATABASE IF NOT EXISTS gone")
    upstream.query("CREATE TABLE IF NOT EXISTS gone.l (i INT) ENGINE=InnoDB")
    c = WireClient(relay.port)
    c.send_command(COM_QUERY, b"LOAD DATA LOCAL INFILE 'x' INTO TABLE gone.l")
    seq, payload = c.packet()
    assert payload[:1] == b"\xfb"
    for i in range(20):
        c.send_packet(b"1\n" * 30000, seq + 1 + i)
    c.close()
    relay.assert_alive()
    eventually(lambda: upstream.query("SET lock_wait_timeout = 1") is not None)
    eventually(lambda: upstream.query("ALTER TABLE gone.l ADD COLUMN j INT") is not None)
    upstream.query("DROP DATABASE gone")


def test_slow_reader_does_not_fill_memory(relays, dialect):
    relay = relays.relay(dialect)
    before = relay.resident()
    clients = []
    for _ in range(8):
        c = WireClient(relay.port)
        c.send_command(COM_QUERY, b"SELECT a.id, REPEAT('x', 1000) FROM shared.large a")
        clients.append(c)
    time.sleep(2)
    assert relay.resident() - before < 24 << 20
    for c in clients:
        c.close()
    relay.assert_alive()


def test_slow_server_does_not_fill_memory(behind):
    """A file is not taken from the client faster than the server takes it."""
    server, proxy = behind
    run_on = threading.Event()
    c = WireClient(server.port)
    for sql in ("CREATE DATABASE IF NOT EXISTS slow", "CREATE TABLE IF NOT EXISTS slow.l (i INT)", "DELETE FROM slow.l"):
        c.query(sql)
    c.send_command(COM_QUERY, b"LOAD DATA LOCAL INFILE 'x' INTO TABLE slow.l")
    seq, payload = c.packet()
    assert payload[:1] == b"\xfb"
    before = server.resident()
    proxy.up = lambda data, _before: data if run_on.wait(60) else data
    piece, sent = b"1\n" * 500000, 0
    c.sock.settimeout(1)
    data = struct.pack("<I", len(piece))[:3] + bytes([seq + 1]) + piece
    try:
        while sent < 200 << 20:
            sent += c.sock.send(data[sent % len(data):])
            if sent % len(data) == 0:
                data = data[:3] + bytes([(data[3] + 1) % 256]) + data[4:]
    except TimeoutError:
        pass
    assert sent < 64 << 20 and server.resident() - before < 24 << 20
    run_on.set()
    c.close()
    server.assert_alive()


class Writers:
    """Threads that insert (who, number) until they are told to stop; after an error they connect anew."""

    def __init__(self, server, count, connect_again=True):
        self.server, self.connect_again, self.stop = server, connect_again, threading.Event()
        self.tried, self.acknowledged = [0] * count, [[] for _ in range(count)]
        self.threads = [threading.Thread(target=self._work, args=(who,), daemon=True) for who in range(count)]
        for thread in self.threads:
            thread.start()

    def _work(self, who):
        connection = None
        while not self.stop.is_set():
            self.tried[who] += 1
            number = self.tried[who]
            try:
                connection = connection or self.server.connect()
                run(connection, f"INSERT INTO load_test.t VALUES ({who}, {number})")
                self.acknowledged[who].append(number)
            except (pymysql.MySQLError, OSError):
                connection = None
                if not self.connect_again:
                    return
                time.sleep(0.05)

    def join(self):
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive()

    def await_more(self):
        """Until each has inserted something from now on."""
        before = [len(numbers) for numbers in self.acknowledged]

        def check():
            assert all(len(now) > then for now, then in zip(self.acknowledged, before)), "a session does not go on"

        eventually(check, 60)


def make_load_test(upstream):
    upstream.query("DROP DATABASE IF EXISTS load_test")
    upstream.query("CREATE DATABASE load_test")
    upstream.query("CREATE TABLE load_test.t (who INT, n INT) ENGINE=InnoDB")


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_restart_under_load(new_server, work, dialect, mode):
    """What was acknowledged is there, nothing is there twice, and sessions go on."""
    upstream = Upstream(dialect, work / "u").start()
    port = upstream.port
    make_load_test(upstream)
    server = new_server(*relay_options(port, *NO_TLS, "--pool-mode", mode)).start()
    writers = Writers(server, 4)
    writers.await_more()
    inside = server.connect(autocommit=False)
    run(inside, "INSERT INTO load_test.t VALUES (99, 1)")
    upstream.stop()
    upstream.start(f"--port={port}")
    try:
        writers.await_more()
        writers.stop.set()
        writers.join()
        # The open transaction is gone, and its session says so.
        assert error_of(inside, "COMMIT") in GONE
        rows = upstream.query("SELECT who, n FROM load_test.t")
        assert len(rows) == len(set(rows)), "a statement was sent twice"
        assert {(who, n) for who in range(4) for n in writers.acknowledged[who]} <= set(rows)
        assert not [who for who, _ in rows if who == 99]
    finally:
        writers.stop.set()
        upstream.stop()


def zone(connection):
    return run(connection, "SELECT @@time_zone")[0][0]


@pytest.fixture(params=["session", "transaction"])
def restartable(request, new_server, work, dialect):
    """A relay, and what restarts its server."""
    upstream = Upstream(dialect, work / "u").start()
    port = upstream.port
    server = new_server(*relay_options(port, *NO_TLS, "--pool-mode", request.param)).start()
    server.mode, server.dialect = request.param, dialect

    def restart():
        upstream.stop()
        upstream.start(f"--port={port}")

    yield server, restart
    upstream.stop()


def test_idle_sessions_over_a_restart(restartable):
    """They go on as they were, on the same socket, or end where what they had cannot be given back."""
    server, restart = restartable
    shares = server.mode == "transaction"
    plain, zoned, unread, pinned, warned, failed, over = (server.connect() for _ in range(7))
    stored, stored_later = (WireClient(server.port) for _ in range(2))
    run(plain, "SELECT 1")
    run(zoned, "SET time_zone = '+03:00'")
    run(zoned, "SELECT 1")  # with pool.mode session settings are read back behind a SELECT only
    run(unread, "SET time_zone = '+05:00'")
    run(pinned, "SET @a = 1")
    numbers = [client.prepare("SELECT 'seven'")[0] for client in (stored, stored_later)]
    for connection in (warned, over):
        run(connection, "DO CAST('x' AS SIGNED)")
    assert error_of(failed, "SELECT * FROM nowhere.t") is not None
    run(over, "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = 'mysql'")
    restart()
    assert run(plain, "SELECT 2") == ((2,),)
    assert zone(zoned) == "+03:00" and zone(plain) == "SYSTEM"
    assert error_of(warned, "SHOW WARNINGS") == error_of(failed, "SHOW ERRORS") == 1235
    assert error_of(over, "SHOW WARNINGS") in ((None, 1235) if server.dialect == "mariadb" else (None,))
    assert error_of(failed, "SELECT * FROM nowhere.t") is not None
    assert len(run(failed, "SHOW ERRORS")) == 1
    assert error_of(pinned, "SELECT @a") in GONE
    assert error_of(pinned, "SELECT @a") in GONE
    if shares:
        assert zone(unread) == "+05:00"
        assert any(payload.endswith(b"seven") for _, payload in stored.execute(numbers[0]))
    else:
        assert error_of(unread, "SELECT @@time_zone") in GONE
        with pytest.raises(Gone):
            stored.execute(numbers[0])


def ended(connection):
    """The error with which a session has ended."""
    code = error_of(connection, "SELECT 1")
    assert code is not None
    return code


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_drain_loses_no_statement(new_server, upstream, mode):
    """And a transaction that is open may end."""
    make_load_test(upstream)
    server = new_server(*relay_options(upstream.port, *NO_TLS, "--pool-mode", mode)).start()
    inside, idle = server.connect(), server.connect()
    run(inside, "BEGIN")
    run(inside, "INSERT INTO load_test.t VALUES (90, 1)")
    writers = Writers(server, 6, connect_again=False)
    writers.await_more()
    server.signal(signal.SIGTERM)
    writers.join()
    assert error_of(idle, "SELECT 1") in (*GONE, 1053)
    assert server.process.poll() is None
    run(inside, "INSERT INTO load_test.t VALUES (90, 2)")
    run(inside, "COMMIT")
    assert eventually(lambda: ended(inside)) in (*GONE, 1053)
    assert server.stop() == 0
    # Each statement that was acknowledged is there, and none that was not.
    rows = upstream.query("SELECT who, n FROM load_test.t")
    expected = [(who, n) for who in range(6) for n in writers.acknowledged[who]]
    assert sorted(rows) == sorted([*expected, (90, 1), (90, 2)])


async def ask_for_seven(port):
    """Logs in as root, asks, and leaves; what was said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def packet():
        header = await reader.readexactly(4)
        return header[3], await reader.readexactly(int.from_bytes(header[:3], "little"))

    def send(payload, seq):
        writer.write(struct.pack("<I", len(payload))[:3] + bytes([seq]) + payload)

    try:
        await packet()
        send(struct.pack("<IIB23x", BASE | DEPRECATE_EOF, 1 << 24, 45) + b"root\0\0mysql_native_password\0", 1)
        while True:
            seq, payload = await packet()
            if payload[:1] == b"\0":
                break
            if payload[:1] == b"\xff":
                return int.from_bytes(payload[1:3], "little")
            send(b"", seq + 1)
        send(bytes([COM_QUERY]) + b"SELECT 7", 0)
        return [(await packet())[1] for _ in range(4)][2]
    finally:
        writer.close()


async def many_clients(port, count):
    return await asyncio.gather(*(ask_for_seven(port) for _ in range(count)), return_exceptions=True)


def test_2000_clients_at_once(relays, dialect):
    """They wait for 50 connections, and all are served."""
    relay = relays.relay(dialect, "--storage-mysql-max-open-conns", "50", "--storage-mysql-wait-timeout", "120s",
                         "--max-connections", "2100")
    before = relay.upstream.processes("root")  # other relays of the tests keep some
    results = asyncio.run(many_clients(relay.port, 2000))
    assert len(results) == 2000 and set(results) == {b"\x017"}, set(map(str, results))
    assert relay.upstream.processes("root") <= before + 60
    relay.assert_alive()


def test_more_clients_than_may_wait(relays, dialect):
    relay = relays.relay(dialect, "--storage-mysql-max-open-conns", "5", "--storage-mysql-max-waiters", "10")
    results = asyncio.run(many_clients(relay.port, 200))
    assert set(results) <= {b"\x017", 1040}, set(map(str, results))
    assert b"\x017" in results
    relay.assert_alive()


MALFORMED = [b"\x17", b"\x17\1\0\0", b"\x17\xff\xff\xff\xff\0\1\0\0\0", b"\x18\1\0", b"\x19", b"\x1c\1\0\0\0", b"\x1a", b"\x1b",
             b"\x04", b"\x0c", b"\x11", b"\x11root", b"\x05", b"", b"\xfa\1\0\0\0", b"\x12", b"\x1e\1", b"\x16", b"\x03", b"\xff", b"\xfe"]


def header(length, sequence):
    return struct.pack("<I", length)[:3] + bytes([sequence])


def first_reply(server, caps, payload):
    """The first packet that comes back for this and a ping behind it, as mark and error number."""
    with WireClient(server.port, caps) as c:
        try:
            c.send(header(len(payload), 0) + payload + header(1, 0) + b"\x0e")
            reply = c.packet()[1]
        except Gone:
            return "hung up"
    return reply[:3] if reply[:1] == b"\xff" else reply[:1]


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_malformed_packets_of_a_client(relays, dialect, mode):
    """It hears what the server says; others go on, and what is kept for them is sound."""
    relay = relays.relay(dialect, "--pool-mode", mode)
    for payload in MALFORMED:
        for caps in (BASE, BASE | DEPRECATE_EOF | SESSION_TRACK):
            got = first_reply(relay, caps, payload)
            # A broken change of user is not one of MariaDB's strengths.
            expected = first_reply(relay.upstream if payload[:1] != b"\x11" else relay, caps, payload)
            assert got == expected, payload
    for data in (header(9, 5) + b"\x03SELECT 1", header(0xffffff, 0) + b"\x03SELECT", b"\0\0", header(100, 0) + b"\x17abc",
                 header(20, 0) + b"\x03SELECT 1", header(0xffffff, 0) + bytes([COM_STMT_SEND_LONG_DATA]) + b"x" * 100000):
        with WireClient(relay.port) as c:
            c.send(data)
    assert relay.query("SELECT 7") == ((7,),)


@pytest.fixture
def resolver(work):
    """Names whose addresses are the lines of a file: what DNS says, and changes."""
    library, addresses = work / "resolver.so", work / "addresses"
    subprocess.run(["cc", "-shared", "-fPIC", "-Wall", "-O1", "-o", str(library), str(HERE / "clients/resolver.c"), "-ldl"], check=True)
    return addresses, {"LD_PRELOAD": str(library), "E2E_ADDRESSES": str(addresses)}


def with_host(options, host):
    options[options.index("127.0.0.1")] = host
    return options


def test_name_with_several_addresses(new_server, upstream, resolver):
    """They are tried in turn, whatever is wrong with the first ones."""
    addresses, env = resolver
    addresses.write_text("::1\n127.0.0.9\n127.0.0.1\n")
    server = new_server(*with_host(relay_options(upstream.port, *NO_TLS), "db.test"), env=env).start()
    assert server.query("SELECT 1") == ((1,),)


def test_name_that_moves(new_server, upstream, resolver):
    addresses, env = resolver
    addresses.write_text("127.0.0.2\n")
    with FaultProxy(upstream.port, "127.0.0.2") as old:
        server = new_server(*with_host(relay_options(old.port, *NO_TLS), "db.test"), env=env).start()
        assert server.query("SELECT 1") == ((1,),)
        with FaultProxy(upstream.port, "127.0.0.3", old.port) as new:
            addresses.write_text("127.0.0.3\n")
            old.accepting = "refuse"
            old.cut()
            eventually(lambda: server.query("SELECT 2"))
            assert new.accepted > 0
        addresses.write_text("")
        code, text = eventually(lambda: unknown_host(server))
        assert "db.test" in text


def unknown_host(server):
    """The error of a login while the name is not known."""
    found = error_of_login(server)
    assert found is not None and found[0] in (2003, 2005), found
    return found


LEFTOVERS = ["SET @u = 5", "CREATE TEMPORARY TABLE leak.tmp (i INT)", "SET sql_mode = 'ANSI'", "SET time_zone = '+05:00'",
             "SET NAMES latin1", "DO GET_LOCK('leak', 0)", "PREPARE st FROM 'SELECT 1'", "BEGIN", "SET autocommit = 0",
             "SET ROLE leak_role", "USE leak", "SET SESSION TRANSACTION READ ONLY", "LOCK TABLES leak.t READ",
             "INSERT INTO leak.t VALUES (NULL)", "SET LAST_INSERT_ID = 77", "HANDLER leak.t OPEN", "SELECT leak.setu()"]
PROBES = ["SELECT @u", "SELECT * FROM leak.tmp", "SELECT @@sql_mode", "SELECT @@time_zone", "SELECT @@character_set_client",
          "SELECT IS_FREE_LOCK('leak')", "EXECUTE st", "SELECT @@autocommit", "SELECT CURRENT_ROLE()", "SELECT DATABASE()",
          "SELECT @@{isolation}_read_only", "INSERT INTO leak.w VALUES (1)", "SELECT LAST_INSERT_ID()", "HANDLER leak.t READ FIRST",
          "SELECT secret FROM leak.hidden", "SELECT ROW_COUNT()", "SELECT FOUND_ROWS()", "SHOW WARNINGS", "SELECT USER()", "SELECT CURRENT_USER()"]


def leave_option(c):
    return c.command(COM_SET_OPTION, b"\1\0")  # no more than one statement in a text


def leave_option_and_reset(c):
    return leave_option(c) + c.command(COM_RESET_CONNECTION)


def leave_role_and_reset(c):
    return c.query("SET ROLE leak_role") + c.command(COM_RESET_CONNECTION)


def leave_cursor(c):
    return c.execute(c.prepare("SELECT i FROM leak.t UNION ALL SELECT 7")[0], flags=1)


def leave_long_data(c):
    statement, packets = c.prepare("SELECT ?")
    c.send_command(COM_STMT_SEND_LONG_DATA, struct.pack("<IH", statement, 0) + b"long")
    return packets


OTHER_LEFTOVERS = [leave_option, leave_option_and_reset, leave_role_and_reset, leave_cursor, leave_long_data]


def settled(c, sql):
    """Rows of it; of what is free once an earlier session has ended, which takes a moment with every server, when it is."""
    deadline = time.monotonic() + 10
    while (rows := c.rows(sql)) == [("0",)] and "IS_FREE_LOCK" in sql and time.monotonic() < deadline:
        time.sleep(0.01)
    return rows


def probe(server, user, dialect, found_rows):
    """What a session of its own sees; and does FOUND_ROWS hold as it was asked for?"""
    caps = BASE | DEPRECATE_EOF | SESSION_TRACK | (2 if found_rows else 0)
    out = []
    with WireClient(server.port, caps, user=user, password="pw") as c:
        for sql in PROBES:
            sql = sql.format(isolation="transaction" if dialect == "mysql" else "tx")
            try:
                out.append((sql, settled(c, sql)))
            except ErrorPacket as e:
                out.append((sql, e.code))
        out.append(("two statements", [payload[:1] for _, payload in c.query("SELECT 1; SELECT 2")]))
        out.append(("affected", c.query("UPDATE leak.t SET i = i WHERE i = 1")[0][1][1]))
    return out


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_nothing_passes_between_sessions(relays, dialect, upstream, mode):
    """Whatever a session leaves behind, the next one, of the same account or another, sees what a new connection sees."""
    relay = relays.relay(dialect, "--pool-mode", mode)
    for sql in ("DROP DATABASE IF EXISTS leak", "CREATE DATABASE leak", "CREATE TABLE leak.t (i INT AUTO_INCREMENT PRIMARY KEY)",
                "INSERT INTO leak.t VALUES (1)", "CREATE TABLE leak.w (i INT)", "CREATE TABLE leak.hidden (secret INT)",
                "CREATE FUNCTION leak.setu() RETURNS INT DETERMINISTIC BEGIN SET @u = 5; RETURN 1; END",
                "DROP USER IF EXISTS leak1@'%', leak2@'%'", "DROP ROLE IF EXISTS leak_role", "CREATE ROLE leak_role",
                "CREATE USER leak1@'%' IDENTIFIED BY 'pw'", "CREATE USER leak2@'%' IDENTIFIED BY 'pw'",
                "GRANT SELECT ON leak.hidden TO leak_role", "GRANT leak_role TO leak1@'%'"):
        upstream.query(sql)
    for user in ("leak1", "leak2"):
        for what in ("leak.t", "leak.w"):
            upstream.query(f"GRANT SELECT, INSERT, UPDATE ON {what} TO {user}@'%'")
        upstream.query(f"GRANT CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE ON leak.* TO {user}@'%'")
    expected = {(user, flag): probe(upstream, user, dialect, flag) for user in ("leak1", "leak2") for flag in (False, True)}
    bad = []
    for leftover in [*LEFTOVERS, "; ".join(LEFTOVERS[:5] + LEFTOVERS[9:11]), *OTHER_LEFTOVERS]:
        with WireClient(relay.port, BASE | DEPRECATE_EOF, user="leak1", password="pw") as c:
            packets = leftover(c) if callable(leftover) else c.query(leftover)
            assert not [payload for _, payload in packets if payload[:1] == b"\xff"], leftover
        for user in ("leak1", "leak2"):
            for flag in (False, True):
                got = probe(relay, user, dialect, flag)
                for theirs, ours in zip(expected[user, flag], got):
                    if theirs != ours:
                        bad.append(f"after {leftover!r} {user} {flag}: {theirs} became {ours}")
    assert not bad, "\n".join(bad[:20])
