"""Benchmarks of short statements and of many connections.

One connection behaves in two ways, depending on whether the scheduler puts client and server on one CPU or on two, and
the two differ by more than servers do. So single connections are measured in both arrangements, pinned; many
connections are left to the scheduler.
"""

import os
import subprocess

from servers import PROGRAMS, Failed, Pintail, Reference, memory, pin, progress

SECONDS = 1.5
ROUNDS = 5
IDLE_CONNECTIONS = 10000


def arrangements():
    """(suffix of the figure, connections, CPUs of the server, CPUs of the client)"""
    cpus = sorted(os.sched_getaffinity(0))
    return [
        ("1", 1, {cpus[0]}, {cpus[-1]}),
        ("1-same-cpu", 1, {cpus[0]}, {cpus[0]}),
        ("64", 64, set(cpus), set(cpus)),
    ]


def bench_rate(context, name, kind):
    """Statements per second on Pintail, over those on MariaDB."""
    rounds = context.rounds or ROUNDS
    ratios, raw = {}, {}
    with Pintail(context.pintail, context.work / "rate") as ours, \
            Reference("mariadb", context.work / "mariadb", "--max-connections=200") as theirs:
        for suffix, connections, server_cpus, client_cpus in arrangements():
            progress(f"{name}: {connections} connections, {rounds} rounds ({suffix})")
            samples = {"pintail": [], "mariadb": []}
            parties = [("pintail", ours), ("mariadb", theirs)]
            for _ in range(rounds):
                for party, server in parties:
                    pin(server.process_id, server_cpus)
                    samples[party].append(server.rate(kind, connections, SECONDS, client_cpus))
                parties.reverse()
            pairs = zip(samples["pintail"], samples["mariadb"])
            ratios[f"{name}-{suffix}"] = [a["per_second"] / b["per_second"] for a, b in pairs]
            raw[suffix] = samples
    return ratios, raw


def bench_select(context):
    """SELECT 1 per second, against MariaDB, at 1 and 64 connections"""
    return bench_rate(context, "select1", "select")


def bench_prepared(context):
    """Executions of a prepared SELECT ? per second, against MariaDB, at 1 and 64 connections"""
    return bench_rate(context, "prepared1", "prepared")


def bench_idle(context):
    """Memory of the server with 10,000 idle connections"""
    with Pintail(context.pintail, context.work / "idle") as server:
        before = memory(server.process_id, "VmRSS")
        holder = subprocess.Popen([PROGRAMS / "client", "idle", str(server.port), str(IDLE_CONNECTIONS)],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            answer = holder.stdout.readline().split()
            if not answer or answer[0] != "ok":
                raise Failed("the client could not open its connections")
            resident, peak = memory(server.process_id, "VmRSS"), memory(server.process_id, "VmHWM")
        finally:
            holder.stdin.close()
            holder.wait()
    raw = {"connections": IDLE_CONNECTIONS, "connect_seconds": float(answer[2]), "before_mib": before,
           "resident_mib": resident, "peak_mib": peak}
    return {"idle-mib": resident}, raw
