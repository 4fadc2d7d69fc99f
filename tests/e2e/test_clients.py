"""Every client does the same things: a table of clients, accounts, and ways to connect.

A client is a program in clients/ that takes its orders from the environment (E2E_*, see clients/README.md) and prints a
line a check: "ok NAME" or "FAIL NAME: what". Each account is new, so that the first login has to prove the password in
full and the second is quick.
"""

import collections
import os
import shutil
import subprocess

import pytest
from conftest import HERE, ROOT

CHECKS = ["connect", "tls", "text", "prepared", "commit", "rollback", "large", "unicode", "null", "duplicate", "load",
          "again"]
CLIENTS = HERE / "clients"
PASSWORD = "s3cret pässword!"

Client = collections.namedtuple("Client", "needs build command without env")


def client(command, needs, build=None, without=(), env=None):
    return Client(needs, build, command, without, env or {})


def build_c(out):
    flags = subprocess.run(["mariadb_config", "--cflags", "--libs"], capture_output=True, text=True, check=True).stdout
    subprocess.run(["cc", "-Wall", "-Werror", "-O1", "-o", str(out / "c"), str(CLIENTS / "connector_c.c"), *flags.split()],
                   check=True)


def build_go(out):
    env = dict(os.environ, GO111MODULE="off", GOPATH="/usr/share/gocode", GOCACHE=str(ROOT / "build/go-cache"),
               GOFLAGS="")
    subprocess.run(["go", "build", "-o", str(out / "go"), str(CLIENTS / "go_sql_driver.go")], check=True, env=env)


def build_java(out):
    subprocess.run(["javac", "-d", str(out), str(CLIENTS / "ConnectorJ.java")], check=True)


TABLE = {
    "mysql_cli_mariadb": client(["bash", "{clients}/mysql_cli.sh", "mariadb"], "mariadb"),
    "mysql_cli_97": client(["bash", "{clients}/mysql_cli.sh", "mysql97"], "mysql97"),
    "connector_c": client(["{out}/c"], "mariadb_config", build_c),
    "pymysql": client(["/usr/bin/python3", "{clients}/python_client.py", "pymysql"], "/usr/bin/python3"),
    "mysqlclient": client(["/usr/bin/python3", "{clients}/python_client.py", "MySQLdb"], "/usr/bin/python3"),
    "node_mysql2": client(["node", "{clients}/node_mysql2.js"], "node",
                          env={"NODE_PATH": str(ROOT / "build/deps/node/node_modules")}),
    "php_mysqli": client(["php", "-d", "mysqli.allow_local_infile=1", "{clients}/php_mysqli.php"], "php"),
    "java_connector_j": client(["java", "-XX:TieredStopAtLevel=1", "-cp",
                                "{out}:/usr/share/java/mariadb-java-client.jar", "ConnectorJ"], "javac", build_java),
    "perl_dbd_mysql": client(["perl", "{clients}/perl_dbi.pl", "mysql"], "perl"),
    "perl_dbd_mariadb": client(["perl", "{clients}/perl_dbi.pl", "MariaDB"], "perl"),
    "go_sql_driver": client(["{out}/go"], "go", build_go),
}

WAYS = [("caching_sha2_password", "plain"), ("caching_sha2_password", "tls"), ("mysql_native_password", "plain"),
        ("mysql_native_password", "tls")]


@pytest.fixture(scope="session")
def built(shared_work):
    """Compiles a client once."""
    done = {}

    def build(name):
        entry = TABLE[name]
        if name == "mysql_cli_97":
            if not mysql97_is_prepared():
                pytest.skip("MySQL 9.7's client is not fetched; run tests/servers/mysql97 prepare")
        elif shutil.which(entry.needs) is None:
            pytest.fail(f"{entry.needs} is not installed: scripts/deps test")
        if entry.build is not None and name not in done:
            entry.build(shared_work)
            done[name] = True
        return [part.format(clients=CLIENTS, out=shared_work) for part in entry.command]

    return build


def mysql97_is_prepared():
    cache = os.environ.get("PINTAIL_CACHE", os.path.expanduser("~/.cache/pintail"))
    return os.path.isdir(os.path.join(cache, "sid"))


def run_client(server, name, command, plugin, way, work):
    account = f"{name}_{way}_{'sha2' if 'sha2' in plugin else 'native'}"[:32]
    database = f"c_{account}"
    infile = work / "load.tsv"
    infile.write_text("1\teins\n2\tzwei ß\n3\t\\N\n", encoding="utf-8")
    for sql in (f"DROP USER IF EXISTS '{account}'@'%'", f"DROP DATABASE IF EXISTS {database}", f"CREATE DATABASE {database}",
                f"CREATE USER '{account}'@'%' IDENTIFIED {create_by(server, plugin)}",
                f"GRANT ALL ON {database}.* TO '{account}'@'%'", f"GRANT SELECT ON shared.* TO '{account}'@'%'"):
        server.query(sql)
    env = dict(os.environ, LC_ALL="C.UTF-8", E2E_HOST="127.0.0.1", E2E_PORT=str(server.port), E2E_USER=account,
               E2E_PASSWORD=PASSWORD, E2E_DB=database, E2E_TLS="1" if way == "tls" else "0", E2E_FILE=str(infile),
               E2E_MYSQL97=str(ROOT / "tests/servers/mysql97"), **TABLE[name].env)
    done = subprocess.run(command, env=env, capture_output=True, text=True, errors="replace", timeout=120, check=False,
                          stdin=subprocess.DEVNULL)
    server.query(f"DROP DATABASE {database}")
    server.query(f"DROP USER '{account}'@'%'")
    return done


def create_by(server, plugin):
    if "mariadb" in server.options:
        return f"BY '{PASSWORD}'"
    return f"WITH {plugin} BY '{PASSWORD}'"


def assert_all_ok(done, without=()):
    lines = done.stdout.splitlines()
    shown = f"status {done.returncode}\n{done.stdout}\n{done.stderr[-3000:]}"
    assert not [line for line in lines if line.startswith("FAIL")], shown
    missing = [check for check in CHECKS if f"ok {check}" not in lines and check not in without]
    assert not missing, f"not reported: {missing}; {shown}"
    assert done.returncode == 0, shown


@pytest.mark.parametrize("plugin,way", WAYS, ids=["sha2-plain", "sha2-tls", "native-plain", "native-tls"])
@pytest.mark.parametrize("name", TABLE)
def test_client(server, built, work, name, plugin, way):
    if name == "mysql_cli_97" and plugin == "mysql_native_password":
        pytest.skip("MySQL 9.7's client no longer has this plugin")
    done = run_client(server, name, built(name), plugin, way, work)
    assert_all_ok(done, TABLE[name].without)


# Each family of client libraries once: those that look at the server's name for what it can do.
@pytest.mark.parametrize("name", ["mysql_cli_mariadb", "connector_c", "pymysql", "java_connector_j", "perl_dbd_mariadb",
                                  "php_mysqli"])
def test_client_mariadb_dialect(mariadb_server, built, work, name):
    done = run_client(mariadb_server, name, built(name), "mysql_native_password", "plain", work)
    assert_all_ok(done, TABLE[name].without)
