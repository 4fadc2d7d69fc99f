"""All clients through the relay: to both real servers, with TLS and compression on either side, in both pool modes."""

import hashlib
import random
import subprocess
import types

import pytest
from conftest import HERE
from test_clients import CHECKS, TABLE, assert_all_ok, built, mysql97_is_prepared, run_client  # noqa: F401
from test_limits import run_special

PLUGINS = {"mysql": "caching_sha2_password", "mariadb": "mysql_native_password"}
PLAIN = ("--storage-mysql-tls-mode", "disabled")
# For `tls`, the others ask the server.
ASKS_ITS_LIBRARY = ["connector_c"]


@pytest.fixture(scope="module", autouse=True)
def relays_end(relays):
    """Clients have many accounts and connections, of which each relay here keeps some: later modules need the server's."""
    yield
    relays.stop_relays()


@pytest.fixture(params=["mysql", "mariadb"])
def dialect(request):
    return request.param


def assert_all_ok_but_tls(done, without):
    """Where one side alone has TLS, `tls` has to fail: the server's Ssl_cipher is that of Pintail's connection to it."""
    lines = done.stdout.splitlines()
    shown = f"status {done.returncode}\n{done.stdout}\n{done.stderr[-3000:]}"
    failed = [line for line in lines if line.startswith("FAIL")]
    assert len(failed) == 1 and failed[0].startswith("FAIL tls"), shown
    missing = [check for check in CHECKS if f"ok {check}" not in lines and check not in (*without, "tls")]
    assert not missing, f"not reported: {missing}; {shown}"


def through(relays, built, work, dialect, name, way, tls, compression, mode):  # noqa: F811
    if name == "mysql_cli_97" and dialect == "mariadb":
        pytest.skip("MySQL 9.7's client no longer has MariaDB's plugin")
    options = ["--storage-mysql-tls-mode", tls, "--storage-mysql-compression", compression, "--pool-mode", mode]
    if way == "tls":
        options += ["--require-secure-transport", "true"]
    relay = relays.relay(dialect, *options)
    # The accounts are made at the server itself, so that the relay may refuse logins without TLS.
    server = types.SimpleNamespace(port=relay.port, options=relay.options, query=relay.upstream.query)
    done = run_client(server, name, built(name), PLUGINS[dialect], way, work)
    if name in ASKS_ITS_LIBRARY or (way == "tls") == (tls == "required"):
        assert_all_ok(done, TABLE[name].without)
    else:
        assert_all_ok_but_tls(done, TABLE[name].without)


# The client's way, TLS and compression to the server, and the pool's mode: each value of each meets each value of each other.
PAIRWISE = [("plain", "disabled", "none", "session"), ("plain", "required", "zlib", "transaction"),
            ("tls", "disabled", "none", "transaction"), ("tls", "disabled", "zlib", "session"),
            ("tls", "required", "none", "session")]
# Some clients also with other three of them together.
MORE = [("plain", "required", "none", "session"), ("tls", "required", "zlib", "transaction")]
MORE_CLIENTS = ["pymysql", "connector_c", "java_connector_j", "go_sql_driver"]
FACTORS = "way,tls,compression,mode"


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize(FACTORS, PAIRWISE, ids=["-".join(w) for w in PAIRWISE])
def test_client_through_the_relay(relays, built, work, dialect, way, tls, compression, mode, name):  # noqa: F811
    through(relays, built, work, dialect, name, way, tls, compression, mode)


@pytest.mark.parametrize("name", MORE_CLIENTS)
@pytest.mark.parametrize(FACTORS, MORE, ids=["-".join(w) for w in MORE])
def test_client_another_way(relays, built, work, dialect, way, tls, compression, mode, name):  # noqa: F811
    through(relays, built, work, dialect, name, way, tls, compression, mode)


SPECIAL = ["compress", "compress_large", "cursor", "cursor_interleaved", "multi", "long_data", "reset"]


@pytest.mark.parametrize("what", [*SPECIAL, "change_user", "many_statements"])
def test_connector_c_special(relays, shared_work, dialect, what):
    run_special(relays.relay(dialect, *PLAIN), shared_work, what)


# Elsewhere a thousand statements of one text are one statement, and docs/passthrough.md has a word on change_user.
@pytest.mark.parametrize("what", SPECIAL)
def test_connector_c_special_another_way(relays, shared_work, dialect, what):
    run_special(relays.relay(dialect, "--storage-mysql-compression", "zlib", "--pool-mode", "transaction"), shared_work, what)


def run_mysql_97(relay, algorithm, sql):
    """MySQL's own client, which compresses that way or does not log in."""
    if not mysql97_is_prepared():
        pytest.skip("MySQL 9.7's client is not fetched; run tests/servers/mysql97 prepare")
    return subprocess.run([str(HERE.parent / "servers/mysql97"), "run", "mysql", "--no-defaults", "--protocol=tcp", "-h", "127.0.0.1",
                           "-P", str(relay.port), "-u", "root", f"--compression-algorithms={algorithm}", "-N", "-B"],
                          input=sql, capture_output=True, text=True, timeout=60, check=False)


# The client's compression, that to the server, and the pool's mode: also pairwise.
@pytest.mark.parametrize("algorithm,compression,mode", [
    ("zlib", "none", "session"), ("zlib", "zlib", "transaction"), ("zlib", "zstd", "session"),
    ("zstd", "none", "transaction"), ("zstd", "zlib", "session"), ("zstd", "zstd", "transaction")])
def test_zlib_and_zstd_with_mysql_97(relays, algorithm, compression, mode):
    relay = relays.relay("mysql", "--storage-mysql-compression", compression, "--pool-mode", mode)
    long = random.Random(1).randbytes(1 << 20).hex()
    done = run_mysql_97(relay, algorithm, f"SELECT id, name FROM shared.large ORDER BY id; SELECT SHA2('{long}', 256);\n")
    assert done.returncode == 0, done.stderr
    rows = [f"{i}\trow {i} ü" for i in range(1, 100001)]
    assert done.stdout.splitlines() == [*rows, hashlib.sha256(long.encode()).hexdigest()]


def test_zstd_is_not_offered_where_the_server_lacks_it(relays):
    done = run_mysql_97(relays.relay("mariadb", *PLAIN), "zstd", "SELECT 1")
    assert done.returncode == 1 and "ERROR 2066" in done.stderr, done.stderr
