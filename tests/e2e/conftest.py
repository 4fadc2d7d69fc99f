"""What the tests share: servers, connections, databases."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import pymysql
import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests/diff"))

START_SECONDS = 60


def pytest_addoption(parser):
    parser.addoption("--bin", required=True, help="the server to test")


def pytest_terminal_summary(terminalreporter):
    stats = terminalreporter.stats
    bad = len(stats.get("failed", [])) + len(stats.get("error", []))
    terminalreporter.ensure_newline()
    terminalreporter.config.e2e_line = f"{len(stats.get('passed', []))} passed, {bad} failed"


def pytest_unconfigure(config):
    # After pytest's own summary: the line that scripts/test reads.
    if hasattr(config, "e2e_line"):
        print(config.e2e_line)


class Progress:
    """A line a file to the descriptor E2E_PROGRESS_FD, for who looks on while all else goes to a log."""

    def __init__(self, descriptor):
        self.descriptor = descriptor
        self.file, self.count, self.since = None, 0, 0.0

    def pytest_runtest_logstart(self, location):
        if location[0] != self.file:
            self.tell()
            self.file, self.count, self.since = location[0], 0, time.monotonic()
        self.count += 1

    def pytest_sessionfinish(self):
        self.tell()

    def tell(self):
        if self.file is not None:
            line = f"{time.strftime('%H:%M:%S')}    {self.file}: {self.count} ({time.monotonic() - self.since:.0f} s)\n"
            os.write(self.descriptor, line.encode())


def pytest_configure(config):
    if "E2E_PROGRESS_FD" in os.environ:
        config.pluginmanager.register(Progress(int(os.environ["E2E_PROGRESS_FD"])))


class Server:
    """A server process with a data directory."""

    def __init__(self, binary, work, *options, env=None):
        self.binary, self.work = binary, pathlib.Path(work)
        self.options, self.env = list(options), env
        self.data = self.work / "data"
        self.log = self.work / "server.log"
        self.process = None
        self.port = None

    def start(self, wait=True):
        """Starts it on a free port, which its log tells."""
        from_here = self.log.stat().st_size if self.log.exists() else 0
        out = open(self.log, "ab")
        command = [self.binary, "--port", "0", "--storage-duckdb-path", str(self.data), "--threads", "2", *self.options]
        self.process = subprocess.Popen(command, stdout=out, stderr=out, cwd=self.work,
                                        env={**os.environ, **(self.env or {})})
        out.close()
        if wait:
            self._await_port(from_here)
        return self

    def _await_port(self, from_here):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            text = self.log_text()[from_here:]
            if "ready for connections" in text:
                self.port = int(text.split(" port ", 1)[1].split()[0])
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"the server did not start:\n{self.log_text()[-4000:]}")

    def log_text(self):
        return self.log.read_bytes().decode("utf-8", "replace")

    def connect(self, **options):
        """A PyMySQL connection as root; autocommit on unless told otherwise."""
        settings = dict(host="127.0.0.1", port=self.port, user="root", password="", charset="utf8mb4",
                        autocommit=True, local_infile=True)
        settings.update(options)
        return pymysql.connect(**settings)

    def query(self, sql, **options):
        """Rows of one statement on a connection of its own."""
        with self.connect(**options) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def stop(self, seconds=60):
        """SIGTERM; its exit status."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"the server did not stop in {seconds} s:\n{self.log_text()[-2000:]}") from None
        return self.process.returncode

    def resident(self):
        """Bytes of memory it has."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmRSS")

    def peak(self):
        """The most memory that it had at a time, in bytes."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmHWM")

    def assert_alive(self):
        assert self.process.poll() is None, f"the server ended:\n{self.log_text()[-4000:]}"
        assert self.query("SELECT 1") == ((1,),)


@pytest.fixture(scope="session")
def binary(request):
    path = pathlib.Path(request.config.getoption("--bin")).resolve()
    if not path.exists():
        path = (ROOT / request.config.getoption("--bin")).resolve()
    assert path.exists(), f"there is no {path}"
    return str(path)


@pytest.fixture(scope="session")
def shared_work():
    work = pathlib.Path(tempfile.mkdtemp(prefix="pintail-e2e-"))
    yield work
    shutil.rmtree(work, ignore_errors=True)


@pytest.fixture
def work():
    """A directory of the test's own."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="pintail-e2e-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


def _shared_server(binary, shared_work, dialect):
    work = shared_work / dialect
    work.mkdir()
    server = Server(binary, work, "--dialect", dialect, "--storage-duckdb-threads", "2").start()
    make_large(server)
    return server


def make_large(server):
    """shared.large: 100,000 rows."""
    with server.connect() as connection, connection.cursor() as cursor:
        path = server.work / "large.tsv"
        with open(path, "w", encoding="utf-8") as out:
            for i in range(1, 100001):
                out.write(f"{i}\trow {i} ü\n")
        cursor.execute("CREATE DATABASE shared")
        cursor.execute("CREATE TABLE shared.large (id INT PRIMARY KEY, name VARCHAR(40))")
        cursor.execute(f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE shared.large CHARACTER SET utf8mb4")
        assert cursor.rowcount == 100000


@pytest.fixture(scope="session")
def server(binary, shared_work):
    """The server that tests share which do nothing to it as a whole."""
    server = _shared_server(binary, shared_work, "mysql")
    yield server
    assert server.stop() == 0, server.log_text()[-4000:]


@pytest.fixture(scope="session")
def mariadb_server(binary, shared_work):
    """The same in MariaDB's dialect."""
    server = _shared_server(binary, shared_work, "mariadb")
    yield server
    assert server.stop() == 0, server.log_text()[-4000:]


@pytest.fixture
def new_server(binary, work):
    """Makes servers of the test's own; started by the caller, stopped here."""
    servers = []

    def make(*options, env=None, name="s", data=None):
        directory = work / f"{name}{len(servers)}"
        directory.mkdir()
        server = Server(binary, directory, "--storage-duckdb-threads", "2", *options, env=env)
        if data is not None:
            server.data = data
        servers.append(server)
        return server

    yield make
    for server in servers:
        if server.process is not None and server.process.poll() is None:
            server.process.kill()
            server.process.wait()


class Upstream:
    """A real server of tests/servers/."""

    def __init__(self, dialect, work, *options):
        self.dialect, self.work, self.options = dialect, pathlib.Path(work), options
        # Which of the servers of a family it is can be chosen: E2E_MARIADB=mariadb105.
        chosen = {"mysql": "mysql97", "mariadb": os.environ.get("E2E_MARIADB", "mariadb")}
        self.script = ROOT / "tests/servers" / chosen.get(dialect, dialect)
        self.port = self.socket = None

    def start(self, *more):
        self.work.mkdir(exist_ok=True)
        # Servers keep what they are started with: files in place of pipes, which would wait for their end.
        with open(self.work / "start.log", "ab") as out:
            subprocess.run([str(self.script), "start", str(self.work), *self.options, *more], check=True, stdout=out, stderr=out)
        self.port = int((self.work / "port").read_text())
        self.socket = (self.work / "socket").read_text().strip()
        return self

    def pid(self):
        return int((self.work / "pid").read_text())

    def stop(self):
        with open(self.work / "start.log", "ab") as out:
            subprocess.run([str(self.script), "stop", str(self.work)], check=False, stdout=out, stderr=out)

    def connect(self, **options):
        settings = dict(host="127.0.0.1", port=self.port, user="root", password="", charset="utf8mb4", autocommit=True,
                        local_infile=True)
        settings.update(options)
        return pymysql.connect(**settings)

    def query(self, sql, **options):
        with self.connect(**options) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()

    def run(self, script):
        """The rows of the last of some statements; none of them has a semicolon within."""
        with self.connect() as connection, connection.cursor() as cursor:
            for statement in filter(None, (s.strip() for s in script.split(";"))):
                cursor.execute(statement)
            return cursor.fetchall()

    def processes(self, user):
        """How many connections an account has."""
        return self.query(f"SELECT COUNT(*) FROM information_schema.processlist WHERE user = '{user}'")[0][0]


def relay_options(port, *more):
    """What makes a server a relay to the upstream at a port."""
    return ["--storage", "mysql", "--mysql-host", "127.0.0.1", "--mysql-port", str(port), "--mysql-user", "root", *more]


class Relays:
    """One real server of each family and servers before it, by their options; made when first asked for."""

    def __init__(self, binary, work):
        self.binary, self.work = binary, work
        self.upstreams, self.relays, self.made = {}, {}, 0

    def upstream(self, dialect):
        if dialect not in self.upstreams:
            upstream = Upstream(dialect, self.work / f"upstream-{dialect}", "--tls=on", "--binlog")
            # Each relay keeps connections open, and they all live to the end.
            upstream.start("--max-allowed-packet=64M", "--max-connections=2000")
            self.upstreams[dialect] = upstream
            upstream.query("SET GLOBAL log_bin_trust_function_creators = 1")
            make_large(upstream)
        return self.upstreams[dialect]

    def relay(self, dialect, *options):
        key = (dialect, *options)
        if key not in self.relays:
            self.made += 1
            work = self.work / f"relay-{self.made}"
            work.mkdir()
            upstream = self.upstream(dialect)
            # The dialect is for who asks the object which server it is.
            server = Server(self.binary, work, "--dialect", dialect, *relay_options(upstream.port, *options)).start()
            server.upstream = upstream
            self.relays[key] = server
        return self.relays[key]

    def stop_relays(self):
        """They keep connections of every account that was used."""
        bad = [server for server in self.relays.values() if server.stop() != 0]
        self.relays.clear()
        assert not bad, bad[0].log_text()[-4000:]

    def stop(self):
        try:
            self.stop_relays()
        finally:
            for upstream in self.upstreams.values():
                upstream.stop()


@pytest.fixture(scope="session")
def relays(binary, shared_work):
    """Servers that pass everything through: relays.relay(dialect, option...)."""
    made = Relays(binary, shared_work)
    yield made
    made.stop()


@pytest.fixture
def db(server, request):
    """The name of an empty database of the test's own."""
    name = "d_" + "".join(c if c.isalnum() else "_" for c in request.node.name)[:50]
    server.query(f"DROP DATABASE IF EXISTS {name}")
    server.query(f"CREATE DATABASE {name}")
    yield name
    server.query(f"DROP DATABASE IF EXISTS {name}")


@pytest.fixture
def session(server, db):
    """Opens sessions in the test's database; closed at its end."""
    opened = []

    def connect(**options):
        connection = server.connect(database=db, **options)
        opened.append(connection)
        return connection

    yield connect
    for connection in opened:
        try:
            connection.close()
        except pymysql.Error:
            pass


def run(connection, sql, args=None):
    """The rows of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(sql, args)
        return cursor.fetchall()


def error_of(connection, sql):
    """The code of the error a statement gives; None when it gives none."""
    try:
        run(connection, sql)
    except pymysql.err.MySQLError as e:
        return e.args[0]
    return None
