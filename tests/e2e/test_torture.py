"""The copy under a random write load while everything around it fails: tests/torture, for minutes."""

import subprocess

import pytest
from conftest import ROOT

SECONDS = 75


@pytest.mark.parametrize("server,options", [("mysql97", []), ("mariadb", ["--defaults"])], ids=["mysql97", "mariadb-defaults"])
def test_torture(binary, server, options):
    done = subprocess.run([ROOT / "tests/torture/run", "--bin", binary, "--server", server, "--seconds", str(SECONDS), "--harsh",
                           "--pause", "1", "--check-every", "10", "--seed", "2", *options], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    *_, summary, end = done.stdout.splitlines()
    assert end.endswith("torture ok")
    assert "kill -9 0;" not in summary and "starts with images compared" in summary and "verified" in summary, summary
