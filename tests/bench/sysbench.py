"""Running sysbench's OLTP scripts against a backend and reading what it prints."""

import re
import subprocess

from backends import SYSBENCH_ROWS, SYSBENCH_TABLES
from servers import HANG_SECONDS, Failed, cpu_seconds


# How many tables, and the rows of each.
TABLES = (SYSBENCH_TABLES, SYSBENCH_ROWS)


def command(port, script, threads, *words, tables=TABLES):
    return ["sysbench", script, "--mysql-host=127.0.0.1", f"--mysql-port={port}", "--mysql-user=root", "--mysql-db=sbtest",
            f"--tables={tables[0]}", f"--table-size={tables[1]}", f"--threads={threads}", *words]


def run(*words, seconds=600):
    try:
        result = subprocess.run(words, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired as e:
        raise Failed("the server does not answer sysbench") from e
    if result.returncode:
        lines = [line for line in (result.stdout + result.stderr).splitlines() if "FATAL" in line or "rror" in line]
        raise Failed("sysbench: " + (lines[0] if lines else f"status {result.returncode}"))
    return result.stdout


def prepare(server, tables=TABLES):
    """Creates and fills the tables, with one seed."""
    run(*command(server.port, "oltp_read_write", 1 if tables == TABLES else tables[0], "--rand-seed=1", "prepare", tables=tables))


def histogram(text):
    """[(milliseconds, count)] of the latencies that --histogram prints."""
    return [(float(value), int(count)) for value, count in re.findall(r"^ *([\d.]+) \|\**\s+(\d+)$", text, flags=re.M)]


def percentile(values, fraction):
    """In microseconds. Sysbench's classes are 1.6 % wide."""
    wanted, seen = sum(count for _, count in values) * fraction, 0
    for value, count in values:
        seen += count
        if seen >= wanted:
            return value * 1000
    return 0.0


def measure(backend, script, connections, seconds):
    """Queries per second, latencies of the script's events (a transaction each, or one query), errors."""
    before = cpu_seconds(backend.process_id)
    text = run(*command(backend.port, script, connections, f"--time={seconds}", "--events=0", "--histogram",
                        "--mysql-ignore-errors=1213,1205,1020", "run"), seconds=seconds + HANG_SECONDS)
    used = cpu_seconds(backend.process_id) - before

    def number(pattern):
        found = re.search(pattern, text)
        if not found:
            raise Failed(f"sysbench did not print {pattern}")
        return float(found[1])
    latencies = histogram(text)
    queries = number(r"queries:\s+(\d+) ")
    return {
        "per_second": number(r"queries:\s+\d+\s+\(([\d.]+) per sec"),
        "events_per_second": number(r"transactions:\s+\d+\s+\(([\d.]+) per sec"),
        "p50_us": percentile(latencies, 0.5), "p95_us": percentile(latencies, 0.95), "p99_us": percentile(latencies, 0.99),
        "ignored_errors": number(r"ignored errors:\s+(\d+) "), "reconnects": number(r"reconnects:\s+(\d+) "),
        "server_cpu_us": used / queries * 1e6 if queries else 0,
    }
