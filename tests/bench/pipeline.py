"""Benchmarks of the change stream alone: recorded and generated logs, without a network, by the programs of change_apply.c.

They are targets of CMake that are not built by default, in the directory of builds that the server is from.
"""

import re
import shutil
import subprocess

from servers import OUT, PROGRAMS, ROOT, Failed, fetch_memory, progress

# What binlog_workload writes, and the rows its tables begin with.
TRANSACTIONS = 40_000
MIXED_KEYS = 21_000
DECODE_ROUNDS, INSERT_ROUNDS, MIXED_ROUNDS = 5, 10, 15
ROUNDS = 3

TABLES = (1_000_000, 5_000_000, 20_000_000)
CHANGES = 2_000_000
# MiB of a batch: the server's own limit, and more.
BATCHES = (64, 256)
# The ways of key_index.c, how it is said, and rows of a batch.
WAYS = {"scan": "a scan of the keys", "primary-key": "DuckDB's index", "places": "places known for nothing"}
INDEX_ROWS, INDEX_CHANGES, INDEX_BATCHES = 20_000_000, 400_000, (100, 1_000, 10_000, 100_000, 400_000)


def program(context, name):
    """The path of a program, built if it is not there or old."""
    directory = context.binaries
    if (directory.parent / "build.ninja").exists():
        subprocess.run(["cmake", "--build", directory.parent, "--target", name], check=True, stdout=subprocess.DEVNULL)
    if not (directory / name).exists():
        raise Failed(f"there is no {directory / name}: cmake --build … --target {name}")
    return directory / name


def printed(*command):
    """What the program prints, which is shown as well."""
    fetch_memory()
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode:
        raise Failed(done.stderr.strip() or f"{command[0]} ended with {done.returncode}")
    for line in done.stdout.splitlines():
        progress("  " + line)
    return done.stdout


def rates(*command):
    """Row changes a second, as often as the program names them."""
    return [float(rate) for rate in re.findall(r"^(\d+) rows/s ", printed(*command), flags=re.M)]


def workload(context):
    """The directory of the recorded logs, which stay for the next time."""
    count = max(100, int(TRANSACTIONS * context.scale))
    directory = OUT / "data" / f"binlog-{count}"
    if not (directory / "insert.binlog").exists():
        subprocess.run([ROOT / "tests/bench/binlog_workload", directory, str(count)], check=True, stdout=subprocess.DEVNULL)
    return directory


def bench_pipeline(context):
    """A recorded log through decoding, and through the whole pipeline into a copy on disk: million row changes a second"""
    decode, apply = program(context, "bench_binlog_decode"), program(context, "bench_change_apply")
    logs, rounds = workload(context), context.rounds or ROUNDS
    insert, mixed = logs / "insert.binlog", logs / "mixed.binlog"
    found = {
        "replica-decode-inserts": rates(decode, insert, DECODE_ROUNDS),
        "replica-decode-mixed": rates(decode, mixed, DECODE_ROUNDS),
        "replica-pipeline-inserts": [rates(apply, insert, 0, INSERT_ROUNDS)[0] for _ in range(rounds)],
        "replica-pipeline-mixed": [rates(apply, mixed, MIXED_KEYS, MIXED_ROUNDS)[0] for _ in range(rounds)],
    }
    return {f"{name}-million-per-second": [value / 1e6 for value in values] for name, values in found.items()}, found


def bench_tables(context):
    """Updates and deletes at uniformly random keys, by the rows of the table: thousand row changes a second of the pipeline alone"""
    apply = program(context, "bench_change_apply")
    sizes = [max(1000, int(size * context.scale)) for size in context.tables or TABLES]
    found = {}
    for size in sizes:
        changes = min(CHANGES, size // 2)  # no row is deleted twice
        progress(f"replica-tables: {size:,} rows")
        found[size] = dict(zip(BATCHES, rates(apply, "--random", size, changes, *BATCHES)))
        if len(found[size]) != len(BATCHES):
            raise Failed("not all sizes of batches were measured")
    million = {size: size / 1_000_000 for size in sizes}
    figures = {f"replica-tables-{million[size]:g}m{'' if mib == BATCHES[0] else f'-{mib}mib'}": rate / 1000
               for size, by_batch in found.items() for mib, rate in by_batch.items()}
    series = {f"batches of {mib} MiB": [(million[size], [found[size][mib] / 1000]) for size in sizes] for mib in BATCHES}
    return figures, {"row_changes_per_second": {str(size): {str(mib): rate for mib, rate in by.items()} for size, by in found.items()},
                     "curves": {"replica-tables": {
                         "title": "Random updates and deletes, by table size", "unit": "thousand row changes a second",
                         "foot": "million rows", "logarithmic": True, "series": series}}}


def bench_index(context):
    """Random updates and deletes in DuckDB alone, by how their rows are found and the rows of a batch: thousand a second"""
    rows, changes = int(INDEX_ROWS * context.scale), int(INDEX_CHANGES * context.scale)
    batches = [batch for batch in INDEX_BATCHES if batch <= changes]
    directory, found, figures = context.work / "key_index", {}, {}
    for way in WAYS:
        progress(f"replica-index: {way}")
        text = printed(PROGRAMS / "key_index", directory, way, rows, changes, *batches)
        shutil.rmtree(directory)
        found[way] = {int(batch): float(rate) for batch, rate in re.findall(r"^(\d+) (\d+) changes/s$", text, flags=re.M)}
        figures |= {"replica-index-mib": float(size) for size in re.findall(r"^index (\d+) MiB$", text, flags=re.M)}
        figures |= {f"replica-index-{way}-{batch}": found[way][batch] / 1000 for batch in (batches[0], batches[-1])}
    series = {WAYS[way]: [(batch, [rate / 1000]) for batch, rate in by_batch.items()] for way, by_batch in found.items()}
    return figures, {"changes_per_second": found, "rows": rows, "curves": {"replica-index": {
        "title": "Random updates and deletes by the way to the row", "unit": "thousand row changes a second",
        "foot": "row changes of a batch", "logarithmic": True, "series": series}}}


BENCHMARKS = {
    "replica-index": bench_index,
    "replica-pipeline": bench_pipeline,
    "replica-tables": bench_tables,
}
