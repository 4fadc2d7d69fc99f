#!/usr/bin/env python3
"""Records what the reference servers answer for expressions, for test_eval.c.

    record_expressions.py MYSQL_DIR MARIADB_DIR < expressions > expressions.tsv

The directories are those of servers started with tests/servers/{mysql97,mariadb}. Input has one
expression a line; output the expression, MySQL's answer and MariaDB's ("=" when it is the same),
separated by tabs. An answer is the value (control characters and what is no UTF-8 as \\xHH), then each warning as {level code message}, or
ERROR code message.
"""
import os
import re
import subprocess
import sys

SERVERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "servers")


def ask(script, where, expressions):
    sql = "".join(f"select '@@{i}@@';\nselect {e};\n" for i, e in enumerate(expressions))
    run = subprocess.run(
        [os.path.join(SERVERS, script), "client", where, "--default-character-set=utf8mb4", "-N", "-B", "-r", "-n",
         "--show-warnings", "-f"], input=sql.encode(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    answers = {}
    at = None
    for line in run.stdout.decode("utf-8", "backslashreplace").split("\n"):
        marker = re.fullmatch(r"@@(\d+)@@", line)
        if marker:
            at = int(marker.group(1))
            answers[at] = []
        elif at is not None and line:
            answers[at].append(line)
        elif at is not None and not answers[at]:
            answers[at].append("")
    return [tidy(answers.get(i, [])) for i in range(len(expressions))]


def tidy(lines):
    value = ""
    notes = ""
    for line in lines:
        error = re.match(r"ERROR (\d+) \(\w+\) at line \d+: (.*)", line)
        note = re.match(r"(Warning|Note|Error) \(Code (\d+)\): (.*)", line)
        if error:
            return f"ERROR {error.group(1)} {error.group(2)}"
        if note:
            notes += f" {{{note.group(1)} {note.group(2)} {note.group(3)}}}"
        else:
            value += line
    value = "".join(c if ord(c) >= 32 else f"\\x{ord(c):02x}" for c in value)
    return value + notes


def main():
    expressions = [e for e in sys.stdin.read().split("\n") if e and not e.startswith("#")]
    mysql = ask("mysql97", sys.argv[1], expressions)
    mariadb = ask("mariadb", sys.argv[2], expressions)
    for e, a, b in zip(expressions, mysql, mariadb):
        print(f"{e}\t{a}\t{'=' if a == b else b}")


main()
