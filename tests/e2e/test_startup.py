"""The process: flags, files, mistakes, what is in the way at start, signals."""

import os
import signal
import socket
import subprocess
import threading
import time

import pytest
from conftest import run


def pintail(binary, *args, cwd=None, env=None, seconds=30):
    return subprocess.run([binary, *map(str, args)], capture_output=True, text=True, timeout=seconds, check=False, cwd=cwd,
                          env={**os.environ, **(env or {})})


def refuses(binary, *args, cwd=None, env=None):
    """Starts it, expects that it ends with an error, and gives what it says."""
    done = pintail(binary, *args, cwd=cwd, env=env)
    assert done.returncode == 1, (done.returncode, done.stdout, done.stderr)
    assert "pintail: " in done.stderr
    return done.stderr


def test_help(binary):
    done = pintail(binary, "--help")
    assert done.returncode == 0 and done.stdout.startswith("Usage: pintail")
    assert "--storage-duckdb-path" in done.stdout and "PINTAIL_SERVER_PORT" in done.stdout


def test_version(binary):
    done = pintail(binary, "--version")
    assert done.returncode == 0 and done.stdout.startswith("pintail ")


def test_print_config_says_where_values_come_from(binary, work):
    (work / "c.yaml").write_text("server:\n  port: 4001\n  socket: /tmp/a.sock\nlog:\n  level: debug\n")
    done = pintail(binary, "-c", work / "c.yaml", "--port", "4002", "--print-config",
                   env={"PINTAIL_SERVER_SOCKET": "/tmp/b.sock"})
    assert done.returncode == 0, done.stderr
    lines = {}
    for line in done.stdout.splitlines():  # keys of several sections have one name: server's comes first
        lines.setdefault(line.strip().split(":")[0], line)
    assert "4002" in lines["port"] and "--port" in lines["port"]
    assert "/tmp/b.sock" in lines["socket"] and "PINTAIL_SERVER_SOCKET" in lines["socket"]
    assert "debug" in lines["level"] and "c.yaml" in lines["level"]


def test_sample_config_is_read_back(binary, work):
    sample = pintail(binary, "--print-sample-config").stdout
    (work / "pintail.yaml").write_text(sample)
    assert pintail(binary, "--print-config", cwd=work).returncode == 0
    # With everything uncommented too.
    (work / "all.yaml").write_text("\n".join(
        line.replace("#", "", 1) if line.strip().startswith("#") and not line.strip().startswith("# ") else line
        for line in sample.splitlines()))
    done = pintail(binary, "-c", work / "all.yaml", "--print-config")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("text,wanted", [
    ("server:\n  prot: 3307\n", ["c.yaml:2", "prot", "port"]),
    ("server:\n  port: many\n", ["c.yaml:2", "port"]),
    ("server:\n  port: 70000\n", ["c.yaml:2", "port"]),
    ("server:\n  dialect: oracle\n", ["c.yaml:2", "dialect", "mysql"]),
    ("server:\n  require_secure_transport: perhaps\n", ["c.yaml:2", "require_secure_transport"]),
    ("storage:\n  duckdb:\n    checkpoint_threshold: lots\n", ["c.yaml:3", "checkpoint_threshold"]),
    ("server: 3\n", ["c.yaml:1", "server"]),
    ("server:\n  port: [\n", ["c.yaml"]),
], ids=["misspelt", "type", "range", "label", "bool", "size", "section", "syntax"])
def test_config_mistakes(binary, work, text, wanted):
    (work / "c.yaml").write_text(text)
    said = refuses(binary, "-c", work / "c.yaml")
    for word in wanted:
        assert word in said


def test_all_mistakes_at_once(binary, work):
    (work / "c.yaml").write_text("server:\n  prot: 1\n  port: x\n")
    said = refuses(binary, "-c", work / "c.yaml", "--no-such-flag", "1", env={"PINTAIL_LOG_LEVEL": "loud"})
    assert len([line for line in said.splitlines() if line.startswith("pintail: ")]) >= 4


def test_missing_config_file(binary, work):
    assert "none.yaml" in refuses(binary, "-c", work / "none.yaml")


def test_port_in_use(binary, work):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert str(port) in refuses(binary, "--port", port, "--storage-duckdb-path", work / "data")


def test_data_directory_is_a_file(binary, work):
    (work / "data").write_text("not a directory")
    assert "data" in refuses(binary, "--port", "0", "--storage-duckdb-path", work / "data")


def test_data_directory_cannot_be_made(binary, work):
    (work / "file").write_text("")
    assert "file" in refuses(binary, "--port", "0", "--storage-duckdb-path", work / "file" / "data")


@pytest.fixture
def read_only(work):
    """A directory that nobody can write to, not even root."""
    path = work / "mounted"
    path.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", path], capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip("mounting a tmpfs is not permitted here")
    yield path
    subprocess.run(["umount", "-l", path], check=False)


def test_data_directory_is_not_writable(binary, read_only):
    assert str(read_only) in refuses(binary, "--port", "0", "--storage-duckdb-path", read_only)
    assert str(read_only) in refuses(binary, "--port", "0", "--storage-duckdb-path", read_only / "data")


def test_data_directory_becomes_read_only(new_server, binary, work):
    """One of ours, on a file system that is mounted read-only now."""
    path = work / "mounted"
    path.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", path], capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a tmpfs is not permitted here")
    try:
        server = new_server(data=path / "data").start()
        server.query("CREATE DATABASE kept")
        server.stop()
        subprocess.run(["mount", "-o", "remount,ro", path], check=True)
        assert str(path) in refuses(binary, "--port", "0", "--storage-duckdb-path", path / "data")
        subprocess.run(["mount", "-o", "remount,rw", path], check=True)
        server.start()
        assert ("kept",) in server.query("SHOW DATABASES")
        server.stop()
    finally:
        subprocess.run(["umount", "-l", path], check=False)


def test_data_directory_is_not_ours(binary, work):
    (work / "data").mkdir()
    (work / "data" / "ibdata1").write_text("another server's")
    said = refuses(binary, "--port", "0", "--storage-duckdb-path", work / "data")
    assert str(work / "data") in said
    assert os.listdir(work / "data") == ["ibdata1"]


def test_data_directory_is_open_elsewhere(binary, new_server, work):
    server = new_server().start()
    said = refuses(binary, "--port", "0", "--storage-duckdb-path", server.data)
    assert str(server.data) in said
    server.assert_alive()


def test_certificate_is_missing(binary, work):
    said = refuses(binary, "--port", "0", "--storage-duckdb-path", work / "data", "--tls-cert", work / "no.pem", "--tls-key",
                   work / "no.key")
    assert "no.pem" in said


def test_unix_socket(new_server):
    server = new_server()
    path = server.work / "s.sock"
    server.options += ["--socket", str(path)]
    server.start()
    with server.connect(unix_socket=str(path)) as c:
        assert run(c, "SELECT 1") == ((1,),)
    assert server.stop() == 0
    assert not path.exists()


def test_unix_socket_left_by_kill_9(new_server):
    server = new_server()
    path = server.work / "s.sock"
    server.options += ["--socket", str(path)]
    server.start().kill()
    assert path.exists()
    server.start()
    with server.connect(unix_socket=str(path)) as c:
        assert run(c, "SELECT 1") == ((1,),)


def has_ipv6():
    with socket.socket(socket.AF_INET6) as s:
        try:
            s.bind(("::1", 0))
        except OSError:
            return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="the machine has no IPv6 loopback")
def test_all_addresses(new_server):
    server = new_server("--bind", "*").start()
    with server.connect(host="::1") as c:
        assert run(c, "SELECT 1") == ((1,),)
    with server.connect() as c:
        assert run(c, "SELECT 1") == ((1,),)


def test_secure_transport_is_required(new_server):
    server = new_server("--require-secure-transport", "true").start()
    with pytest.raises(Exception) as e:
        server.connect(ssl_disabled=True)
    assert e.value.args[0] == 3159
    with server.connect(ssl={"check_hostname": False}) as c:
        assert run(c, "SELECT 1") == ((1,),)


def test_sigterm_lets_statements_end(new_server):
    server = new_server().start()
    idle, busy = server.connect(), server.connect()
    rows = []
    worker = threading.Thread(target=lambda: rows.append(run(busy, "SELECT SLEEP(1.5), 7")))
    worker.start()
    time.sleep(0.4)
    server.signal(signal.SIGTERM)
    time.sleep(0.3)
    with pytest.raises(Exception):
        server.connect()  # nobody new
    with pytest.raises(Exception):
        run(idle, "SELECT 1")  # idle sessions are sent away
    worker.join(10)
    assert rows and rows[0][0][1] == 7
    assert server.process.wait(10) == 0


def test_drain_timeout(new_server):
    server = new_server("--drain-timeout", "500ms").start()
    busy = server.connect()
    worker = threading.Thread(target=lambda: pytest.raises(Exception, run, busy, "SELECT SLEEP(60)"))
    worker.start()
    time.sleep(0.4)
    began = time.monotonic()
    assert server.stop() == 0
    assert 0.3 < time.monotonic() - began < 10
    worker.join(10)


def test_sighup_reloads(new_server):
    server = new_server()
    config = server.work / "pintail.yaml"  # read as ./pintail.yaml
    config.write_text("server:\n  max_connections: 50\n")
    server.start()
    c = server.connect()
    assert run(c, "SELECT @@GLOBAL.max_connections") == ((50,),)
    config.write_text("server:\n  max_connections: 60\n  dialect: mariadb\n")
    server.signal(signal.SIGHUP)
    deadline = time.monotonic() + 10
    while "reloaded" not in server.log_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert run(c, "SELECT @@GLOBAL.max_connections") == ((60,),)
    assert "next start" in server.log_text()  # of the dialect
    config.write_text("server:\n  max_conections: 70\n")
    server.signal(signal.SIGHUP)
    deadline = time.monotonic() + 10
    while "not reloaded" not in server.log_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "max_conections" in server.log_text()
    assert run(c, "SELECT @@GLOBAL.max_connections") == ((60,),)
    assert server.stop() == 0


def test_root_without_a_password_is_local_only(new_server):
    server = new_server("--bind", "*").start()
    addresses = {a[4][0] for a in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    outside = [a for a in addresses if not a.startswith("127.")]
    if not outside:
        pytest.skip("the machine has no address but loopback")
    with pytest.raises(Exception) as e:
        server.connect(host=outside[0])
    assert e.value.args[0] in (1045, 1130)
