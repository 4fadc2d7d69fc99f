#!/usr/bin/env python3
"""Asks the real servers whether the lists of statements in lists/ say the truth.

    check_lists.py DIR_OF_MYSQL DIR_OF_MARIADB

The directories are those given to tests/servers/{mysql97,mariadb} start. Every statement is prepared, not
executed: error 1064 is a refusal of its syntax, all else (unknown tables, not preparable) means that it parsed.
Prints what the lists claim wrongly; exits with 1 if there is anything.
"""
import pathlib
import re
import subprocess
import sys

here = pathlib.Path(__file__).resolve().parent
servers = here.parent.parent / "servers"


def statements(name):
    for line in (here / "lists" / name).read_text().splitlines():
        if line and not line.startswith("-- "):
            yield line


def refused(server, directory, texts):
    """The texts that the server refuses with a syntax error."""
    def quote(text):
        return text.replace("\\", "\\\\").replace("'", "\\'")
    script = "CREATE DATABASE IF NOT EXISTS d;\nUSE d;\n" + "".join(f"PREPARE s FROM '{quote(t)}';\n" for t in texts)
    run = subprocess.run([servers / server, "client", directory, "--force"], input=script.encode(),
                         capture_output=True, check=False)
    lines = re.findall(rb"ERROR 1064 \(42000\) at line (\d+)", run.stderr)
    return {texts[int(n) - 3] for n in lines}


def main():
    wrong = []
    for server, directory, own, other in (("mysql97", sys.argv[1], "accept_mysql.sql", "accept_mariadb.sql"),
                                          ("mariadb", sys.argv[2], "accept_mariadb.sql", "accept_mysql.sql")):
        good = list(statements("accept.sql")) + list(statements("clients.sql")) + list(statements(own))
        wrong += [f"{server} refuses: {t}" for t in sorted(refused(server, directory, good))]
        foreign = list(statements(other))
        wrong += [f"{server} accepts: {t}" for t in sorted(set(foreign) - refused(server, directory, foreign))]
    print("\n".join(wrong))
    return 1 if wrong else 0


sys.exit(main())
