"""What `make install` puts in place: it runs from there, and its unit is in order."""

import os
import pathlib
import re
import shutil
import socket
import subprocess

import pytest

from conftest import ROOT, Server


@pytest.fixture(scope="module")
def installed(binary, shared_work):
    """The build that is tested, installed below a directory with the prefix /usr."""
    build = pathlib.Path(binary).parents[1]
    if not (build / "cmake_install.cmake").exists():
        pytest.skip("the binary does not lie in a build directory")
    destination = shared_work / "installed"
    subprocess.run(["cmake", "--install", build, "--prefix", "/usr"], check=True, capture_output=True,
                   env={**os.environ, "DESTDIR": str(destination)})
    return destination


def test_files_are_where_they_belong(installed):
    for path in ("usr/bin/pintail", "usr/lib/pintail/libduckdb.so", "usr/lib/systemd/system/pintail.service",
                 "usr/share/doc/pintail/LICENSE", "usr/share/doc/pintail/operations.md", "etc/pintail/pintail.yaml"):
        assert (installed / path).is_file(), path
    assert os.access(installed / "usr/bin/pintail", os.X_OK)
    assert (installed / "etc/pintail/pintail.yaml").read_bytes() == (ROOT / "pintail.yaml").read_bytes()


def test_configuration_there_is_kept(installed, binary):
    configuration = installed / "etc/pintail/pintail.yaml"
    configuration.write_text("server:\n  port: 3399\n")
    subprocess.run(["cmake", "--install", pathlib.Path(binary).parents[1], "--prefix", "/usr"], check=True,
                   capture_output=True, env={**os.environ, "DESTDIR": str(installed)})
    assert "3399" in configuration.read_text()


def test_installed_server_runs_with_its_own_library(installed, work):
    program = installed / "usr/bin/pintail"
    libraries = subprocess.run(["ldd", program], check=True, capture_output=True, text=True,
                               env={"PATH": os.environ["PATH"]}).stdout
    assert str(installed) in re.search(r"libduckdb\.so => (\S+)", libraries).group(1)
    server = Server(str(program), work, "--storage-duckdb-threads", "1").start()
    try:
        server.query("CREATE DATABASE d")
        assert server.query("SELECT 1 + 1") == ((2,),)
    finally:
        assert server.stop() == 0


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="the machine has no systemd-analyze")
def test_unit_is_in_order(installed, work):
    text = (installed / "usr/lib/systemd/system/pintail.service").read_text()
    assert "ExecStart=/usr/bin/pintail " in text
    # What the unit starts must be there to be verified.
    unit = work / "pintail.service"
    unit.write_text(text.replace("/usr/bin/pintail", str(installed / "usr/bin/pintail")))
    verified = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True)
    complaints = [line for line in verified.stderr.splitlines() if "pintail.service" in line]
    assert verified.returncode == 0 and not complaints, verified.stderr


def test_health_check_of_the_container(new_server):
    """The command of the Containerfile's HEALTHCHECK, run here: the image itself is not built by tests."""
    text = (ROOT / "deploy/Containerfile").read_text()
    command = re.search(r'CMD \["bash", "-c", "(.*)"\]', text).group(1).replace('\\"', '"').replace("\\\\", "\\")
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    check = lambda: subprocess.run(["bash", "-c", command], env={"PATH": os.environ["PATH"], "PINTAIL_ADMIN_PORT": str(port)},
                                   capture_output=True, timeout=20).returncode
    assert check() != 0
    server = new_server(env={"PINTAIL_ADMIN_PORT": str(port)}).start()
    assert check() == 0
    assert server.stop() == 0
    assert check() != 0


def test_image_has_the_libraries_the_server_needs(binary):
    """Debian's package of each library, unless it is a part of the base system, is in the Containerfile."""
    if shutil.which("dpkg-query") is None:
        pytest.skip("no Debian")
    text = (ROOT / "deploy/Containerfile").read_text()
    for path in re.findall(r"=> (/\S+)", subprocess.run(["ldd", binary], check=True, capture_output=True, text=True).stdout):
        real = os.path.realpath(path)
        names = subprocess.run(["dpkg-query", "-S", real, real.replace("/usr/lib", "/lib")], capture_output=True,
                               text=True).stdout.split(":")
        if names[0] and names[0] not in ("libc6", "libgcc-s1", "libp11-kit0", "libgcrypt20", "libgpg-error0"):
            needed = subprocess.run(["dpkg-query", "-W", "-f", "${Package}", names[0]], capture_output=True, text=True).stdout
            assert needed in text or _depends_on(needed, text), f"{path} of {needed}"


def _depends_on(package, text):
    """Is the package brought by one that the text names (libgnutls30 by libmicrohttpd12)?"""
    wanted = re.search(r"install -y --no-install-recommends (lib[^&]*)&&", text).group(1).replace("\\", " ").split()
    seen = set()
    queue = list(wanted)
    while queue:
        name = queue.pop()
        if name in seen:
            continue
        seen.add(name)
        depends = subprocess.run(["dpkg-query", "-W", "-f", "${Depends}", name], capture_output=True, text=True).stdout
        queue += [re.split(r"[ :(]", alternative.strip())[0] for part in depends.split(",") for alternative in part.split("|")]
    return package in seen
