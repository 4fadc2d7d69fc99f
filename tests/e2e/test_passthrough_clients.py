"""All clients through the relay: to both real servers, with TLS and compression on either side, in both pool modes."""

import pytest
from test_clients import CHECKS, TABLE, built, run_client  # noqa: F401
from test_limits import run_special

PLUGINS = {"mysql": "caching_sha2_password", "mariadb": "mysql_native_password"}
PLAIN = ("--storage-mysql-tls-mode", "disabled")


@pytest.fixture(params=["mysql", "mariadb"])
def dialect(request):
    return request.param


def assert_relayed(done, without):
    """As assert_all_ok(), but for `tls`: what the server calls Ssl_cipher is that of Pintail's connection to it."""
    lines = done.stdout.splitlines()
    shown = f"status {done.returncode}\n{done.stdout}\n{done.stderr[-3000:]}"
    assert not [line for line in lines if line.startswith("FAIL") and not line.startswith("FAIL tls")], shown
    missing = [check for check in CHECKS if f"ok {check}" not in lines and check not in (*without, "tls")]
    assert not missing, f"not reported: {missing}; {shown}"


def through(relay, built, work, name, way):  # noqa: F811
    if name == "mysql_cli_97" and relay.upstream.dialect == "mariadb":
        pytest.skip("MySQL 9.7's client no longer has MariaDB's plugin")
    done = run_client(relay, name, built(name), PLUGINS[relay.upstream.dialect], way, work)
    assert_relayed(done, TABLE[name].without)


@pytest.mark.parametrize("name", TABLE)
def test_client_through_the_relay(relays, built, work, dialect, name):  # noqa: F811
    through(relays.relay(dialect, *PLAIN), built, work, name, "plain")


FOUR = ["pymysql", "connector_c", "java_connector_j", "go_sql_driver"]
# The client's way, TLS and compression to the server, and the pool's mode, so that each two of them meet.
WAYS = [("plain", "required", "none", "session"), ("plain", "required", "zlib", "transaction"),
        ("tls", "disabled", "none", "transaction"), ("tls", "disabled", "zlib", "session"),
        ("tls", "required", "none", "session"), ("tls", "required", "zlib", "transaction")]


@pytest.mark.parametrize("name", FOUR)
@pytest.mark.parametrize("way,tls,compression,mode", WAYS, ids=["-".join(w) for w in WAYS])
def test_client_another_way(relays, built, work, dialect, way, tls, compression, mode, name):  # noqa: F811
    relay = relays.relay(dialect, "--storage-mysql-tls-mode", tls, "--storage-mysql-compression", compression, "--pool-mode", mode)
    through(relay, built, work, name, way)


# The other clients with all of that the other way.
@pytest.mark.parametrize("name", [name for name in TABLE if name not in FOUR])
def test_client_the_other_way(relays, built, work, dialect, name):  # noqa: F811
    relay = relays.relay(dialect, "--storage-mysql-tls-mode", "required", "--storage-mysql-compression", "zlib",
                         "--pool-mode", "transaction")
    through(relay, built, work, name, "tls")


SPECIAL = ["compress", "compress_large", "cursor", "cursor_interleaved", "multi", "long_data", "reset"]


@pytest.mark.parametrize("what", [*SPECIAL, "change_user", "many_statements"])
def test_connector_c_special(relays, shared_work, dialect, what):
    run_special(relays.relay(dialect, *PLAIN), shared_work, what)


# Elsewhere a thousand statements of one text are one statement, and docs/passthrough.md has a word on change_user.
@pytest.mark.parametrize("what", SPECIAL)
def test_connector_c_special_another_way(relays, shared_work, dialect, what):
    run_special(relays.relay(dialect, "--storage-mysql-compression", "zlib", "--pool-mode", "transaction"), shared_work, what)
