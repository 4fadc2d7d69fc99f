"""The copy under a random write load while everything around it fails: tests/torture, for a short time."""

import subprocess

import pytest
from conftest import ROOT

SECONDS = 30


@pytest.mark.parametrize("server", ["mysql97", "mariadb"])
def test_torture(binary, server):
    done = subprocess.run([ROOT / "tests/torture/run", "--bin", binary, "--server", server, "--seconds", str(SECONDS),
                           "--check-every", "10", "--seed", "1"], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert done.stdout.splitlines()[-1].endswith("torture ok")
