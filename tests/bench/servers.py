"""The parties of a benchmark: the servers, DuckDB itself, and the client that drives them; proxies are in backends.py.

Servers listen on free loopback ports and live in directories below build/bench. Everything here runs on one thread.
"""

import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "build/bench"
PROGRAMS = OUT / "bin"
REFERENCES = {
    "mysql": ROOT / "tests/servers/mysql97",
    "mariadb": ROOT / "tests/servers/mariadb",
    "mariadb105": ROOT / "tests/servers/mariadb105",
    "mariadb118": ROOT / "tests/servers/mariadb118",
}
TABLES = ("region", "nation", "supplier", "part", "partsupp", "customer", "orders", "lineitem")

# After that much more than its time a load counts as hanging.
HANG_SECONDS = 60

# What DuckDB may use on both sides.
THREADS = os.cpu_count()


def fetch_memory():
    """Has the host of a virtual machine give back what it took of the memory that lay free: a page that what is measured
    would be the first to touch costs it 20 microseconds there, and a fifth of that otherwise."""
    subprocess.run([sys.executable, "-c", "b'x' * (2048 << 20)"], check=True)


def progress(text):
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


def statements(path):
    """The statements of a file of SQL, each on one line, without comments."""
    text = re.sub(r"^--.*\n", "", pathlib.Path(path).read_text(), flags=re.M)
    return [" ".join(s.split()) for s in text.split(";") if s.strip()]


def pin(process_id, cpus):
    """Confines all threads of a process, and those it will start, to the CPUs."""
    for task in os.listdir(f"/proc/{process_id}/task"):
        try:
            os.sched_setaffinity(int(task), cpus)
        except ProcessLookupError:
            pass  # a thread that has ended meanwhile


def memory(process_id, field):
    """A field of /proc/PID/status, in MiB: VmRSS, or VmHWM for the most since reset_peak."""
    for line in open(f"/proc/{process_id}/status"):
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    raise KeyError(field)


def cpu_seconds(process_id):
    """What all threads of a process have used, in user mode and in the kernel."""
    fields = open(f"/proc/{process_id}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def reset_peak(process_id):
    """VmHWM starts again from the present size."""
    with open(f"/proc/{process_id}/clear_refs", "w") as f:
        f.write("5")


class Failed(Exception):
    """A statement that a party refused."""


class Driver:
    """A program that answers the commands of tests/bench/common.h."""

    def __init__(self, *command):
        self.process = subprocess.Popen([str(c) for c in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def _ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer.startswith("ok "):
            raise Failed(answer.strip() or "the program ended")
        rows, seconds = answer.split()[1:3]
        return int(rows), float(seconds)

    def sql(self, text):
        """(rows, seconds) of one statement."""
        return self._ask("sql " + " ".join(text.split()))

    def file(self, path):
        return self._ask(f"file {path}")

    def close(self):
        self.process.stdin.close()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def native_duckdb(database):
    return Driver(PROGRAMS / "native_duckdb", database, THREADS)


class Server:
    """A running server: process id and port."""

    def session(self, database=None):
        return Driver(PROGRAMS / "client", "session", self.port, *([database] if database else []))

    def rate(self, kind, connections, seconds, cpus=None, query=()):
        """Statements per second and latencies of the client's `rate`, run on the given CPUs.

        `query` is (database, text, maximum) with the kind `query`.
        """
        command = [PROGRAMS / "client", "rate", str(self.port), kind, str(connections), str(seconds), *map(str, query)]
        preparation = (lambda: os.sched_setaffinity(0, cpus)) if cpus else None
        before = cpu_seconds(self.process_id)
        try:
            run = subprocess.run(command, capture_output=True, text=True, preexec_fn=preparation, timeout=seconds + HANG_SECONDS)
        except subprocess.TimeoutExpired as e:
            raise Failed("the server does not answer") from e
        used = cpu_seconds(self.process_id) - before
        answer = run.stdout.split()
        if run.returncode or answer[:1] != ["ok"]:
            raise Failed(run.stderr.strip() or "the client failed")
        if answer[1] == "0":
            raise Failed(f"no statement ended in {seconds} seconds")
        count, per_second = int(answer[1]), int(answer[1]) / float(answer[2])
        p50, p95, p99, mean = map(float, answer[3:7])
        # The client warms up for half a second; its statements then cost as much as the counted ones.
        return {"per_second": per_second, "count": count, "p50_us": p50, "p95_us": p95, "p99_us": p99, "mean_us": mean,
                "server_cpu_us": used / (per_second * (seconds + 0.5)) * 1e6}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Process(Server):
    """A server that is a child process; its output goes to build/bench/NAME.log."""

    def __init__(self, name, port, *command):
        self.log, self.port = OUT / f"{name}.log", port
        with open(self.log, "a") as log:
            # Away from a configuration file that Pintail would find in the directory of the caller.
            self.process = subprocess.Popen([str(c) for c in command], stdout=log, stderr=log, cwd=OUT)
        self.process_id = self.process.pid
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.process.kill()
                    raise Failed(f"{name} did not start; its log is {self.log}")
                time.sleep(0.05)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Pintail(Process):
    """Pintail with its tables in a directory."""

    def __init__(self, binary, directory, *options):
        port = free_port()
        super().__init__("pintail", port, binary, "--port", port, "--storage-duckdb-path", directory,
                         "--storage-duckdb-threads", THREADS, *options)


class Reference(Server):
    """MySQL or MariaDB; its data directory stays."""

    def __init__(self, name, directory, *options):
        self.script, self.directory = REFERENCES[name], directory
        subprocess.run([self.script, "stop", directory], check=False, stdout=subprocess.DEVNULL)
        subprocess.run([self.script, "start", directory, *options], check=True, stdout=subprocess.DEVNULL)
        self.port = int((directory / "port").read_text())
        self.process_id = int((directory / "pid").read_text())

    def stop(self):
        subprocess.run([self.script, "stop", self.directory], check=True)
