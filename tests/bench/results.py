"""Files of results: JSON with everything, CSV with a line a sample, charts; and two of them side by side.

latest.json holds, by benchmark: `ratios`, medians by figure; `rounds`, each round's value where there are rounds; `raw`, with
`samples` where backends were compared, a dictionary for each backend and round, and `curves`, by the chart's name: its title, unit
and foot, whether the foot is logarithmic, and `series`, by party a list of numbers along the foot, each with its values.
"""

import csv
import json
import statistics
import sys

import charts

COLUMNS = ("upstream", "backend", "workload", "connections", "round", "per_second", "p50_us", "p95_us", "p99_us", "mean_us",
           "events_per_second", "server_cpu_us", "ignored_errors", "seconds", "mib_per_second", "growth_mib")


def samples(results):
    """All of them, each with its upstream."""
    for entry in results["benchmarks"].values():
        raw = entry["raw"]
        if isinstance(raw, dict):
            for sample in raw.get("samples", ()):
                yield {"upstream": entry.get("upstream", ""), **sample}


def machine_text(results):
    """What the figures were measured on."""
    machine = results["machine"]
    return f"{machine['cpus']} CPUs ({machine['cpu']}), {machine['memory_mib'] / 1024:.0f} GiB"


def replace(path, text):
    """Writes the whole file or nothing."""
    new = path.with_suffix(path.suffix + ".new")
    new.write_text(text)
    new.rename(path)


def write_csv(results, path):
    new = path.with_suffix(".csv.new")
    with open(new, "w", newline="") as f:
        writer = csv.DictWriter(f, COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: round(value, 3) if isinstance(value, float) else value for key, value in sample.items()}
                         for sample in samples(results))
    new.rename(path)


def write_charts(results, directory):
    """A chart a workload and upstream, its groups the numbers of connections."""
    found, machine = {}, machine_text(results)
    for sample in samples(results):
        unit = "per_second" if "per_second" in sample else "mib_per_second"
        chart = found.setdefault((sample["workload"], sample["upstream"], unit), {})
        chart.setdefault(sample["connections"], {}).setdefault(sample["backend"], []).append(sample[unit])
    directory.mkdir(exist_ok=True)
    for (workload, upstream, unit), by_connections in found.items():
        groups = {f"{n} connection{'s' if n > 1 else ''}": by_connections[n] for n in sorted(by_connections)}
        title = f"{workload}, upstream {upstream}"
        what = "connections" if workload == "connect" else "queries" if unit == "per_second" else "MiB"
        replace(directory / f"{workload.replace(' ', '-')}-{upstream}.svg", charts.bar_chart(title, f"{what} a second", machine, groups))
    for entry in results["benchmarks"].values():
        curves = entry["raw"].get("curves", {}) if isinstance(entry["raw"], dict) else {}
        for name, c in curves.items():
            svg = charts.line_chart(c["title"], c["unit"], machine, c["foot"], c["series"], c["logarithmic"])
            replace(directory / f"{name}.svg", svg)


def write(results, directory):
    replace(directory / "latest.json", json.dumps(results, indent=1, sort_keys=True) + "\n")
    write_csv(results, directory / "latest.csv")
    write_charts(results, directory / "charts")


# ---- Comparing ----

def spread(values):
    """How far a round is from the median, as a share of it: half of what the middle half of the rounds covers."""
    if len(values) < 2 or statistics.median(values) == 0:
        return None
    if len(values) < 4:
        return (max(values) - min(values)) / 2 / abs(statistics.median(values))
    lower, _, upper = statistics.quantiles(values, n=4)
    return (upper - lower) / 2 / abs(statistics.median(values))


def series(results):
    """Everything two files may have in common: {name: values by round}."""
    found = {}
    for entry in results["benchmarks"].values():
        for figure, value in entry["ratios"].items():
            found[figure] = entry.get("rounds", {}).get(figure) or [value]
    for sample in samples(results):
        for field in ("per_second", "p50_us", "p99_us", "mib_per_second"):
            if field in sample:
                name = "{workload}, {upstream}, {connections} conn., {backend}: ".format(**sample) + field
                found.setdefault(name, []).append(sample[field])
    return found


def verdict(change, noise):
    if noise is None:
        return "noise unknown"
    return "within noise" if abs(change) <= 2 * noise else "higher" if change > 0 else "lower"


def compare(old, new, out=sys.stdout):
    """A table of what changed from one file's results to another's; more than twice the noise counts as a change."""
    same = {name for name, entry in old["benchmarks"].items()
            if entry["measured"] == new["benchmarks"].get(name, {}).get("measured")}
    before, after = (series({"benchmarks": {name: entry for name, entry in file["benchmarks"].items() if name not in same}})
                     for file in (old, new))
    names = [name for name in before if name in after]
    width = max(map(len, names), default=10)
    print(f"{'':{width}}  {'before':>10} {'after':>10} {'change':>8} {'noise':>7}", file=out)
    for name in names:
        a, b = statistics.median(before[name]), statistics.median(after[name])
        spreads = [s for s in (spread(before[name]), spread(after[name])) if s is not None]
        noise = max(spreads, default=None)
        change = b / a - 1 if a else 0.0
        shown = "" if noise is None else f"±{noise:.1%}"
        print(f"{name:{width}}  {a:10,.2f} {b:10,.2f} {change:+8.1%} {shown:>7}  {verdict(change, noise)}", file=out)
    for name in sorted(set(before) ^ set(after)):
        print(f"{name:{width}}  only {'before' if name in before else 'after'}", file=out)
    if same:
        print(f"the same measurement in both: {', '.join(sorted(same))}", file=out)
