"""Scaling curves: time against dimensions, depth and batch, as pictures."""

import dataclasses
from pathlib import Path

from benchmarks import comparison, competitors, driver, report
from benchmarks.tasks import TASKS

# A competitor that took longer than this is not asked for more.
LONGEST = 10.0


@dataclasses.dataclass(frozen=True)
class Curve:
    """One picture.

    Attributes:
      name: Of the file, and in the record.
      title: What is drawn.
      axis: What varies.
      task: The task that is varied.
      operation: `"log_prob"`, `"sample"` or `"train"`.
      values: Of what varies.
      vary: `(task, value) -> task`.
    """

    name: str
    title: str
    axis: str
    task: str
    operation: str
    values: tuple
    vary: object


def _field(name):
    return lambda task, value: dataclasses.replace(task, **{name: value})


CURVES = (
    Curve(
        "dimensions",
        "Sampling from a MAF, 5 layers of 1x1024, 64 samples",
        "dimensions",
        "T3",
        "sample",
        (16, 64, 256, 784, 1536, 3072),
        lambda task, value: dataclasses.replace(task, event_shape=(value,)),
    ),
    Curve(
        "depth",
        "log_prob of a RealNVP, D=64, couplings of 2x256, batch 1024",
        "couplings",
        "T1",
        "log_prob",
        (1, 2, 4, 8, 16, 32),
        _field("layers"),
    ),
    Curve(
        "batch",
        "log_prob of a RealNVP, D=64, 8 couplings of 2x256",
        "batch",
        "T1",
        "log_prob",
        (1, 4, 16, 64, 256, 1024, 4096),
        _field("batch"),
    ),
)


def follow(curve, workers, rounds, budget, log):
    """Times every point of a curve.

    Returns:
      Dictionary from names to lists of `[value, median_ms, low_ms, high_ms]`.
    """
    points, out = {name: [] for name in workers}, set()
    for value in curve.values:
        task = curve.vary(TASKS[curve.task], value)
        still = {name: worker for name, worker in workers.items() if name not in out}
        lines = []
        able = comparison.build(still, task, 1, lines.append)[0]
        for line in (line for line in lines if "left out" in line):
            log(f"{curve.name}: {line}")
        out |= set(still) - set(able)
        for name, times in driver.interleave(able, curve.operation, rounds, budget).items():
            if times.rounds:
                entry = report.summary(times.rounds)
                points[name].append([value, entry["median_ms"], entry["low_ms"], entry["high_ms"]])
            if times.error or times.last > LONGEST:
                out.add(name)
    return {name: found for name, found in points.items() if found}


def draw(curve, points, path):
    """Draws the points of one curve into a PNG file."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for name, found in points.items():
        values, medians, lows, highs = zip(*found, strict=True)
        (line,) = axes.plot(values, medians, "o-", label=name, markersize=4)
        axes.fill_between(values, lows, highs, color=line.get_color(), alpha=0.2, linewidth=0)
    axes.set(xscale="log", yscale="log", xlabel=curve.axis, ylabel="milliseconds a call")
    axes.set_xticks(curve.values, [str(v) for v in curve.values])
    axes.minorticks_off()
    axes.set_title(curve.title, fontsize=10)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="upper left")  # The curves rise.
    figure.savefig(path, dpi=150)


def run(options, log):
    """All curves; pictures go to `options.pictures`."""
    names, results = competitors.flows(options.competitors), {}
    workers = comparison.start(names, options.threads, log)
    folder = Path(options.pictures)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for curve in CURVES:
            points = follow(curve, workers, min(options.rounds, 5), options.seconds, log)
            if not points:
                continue
            draw(curve, points, folder / f"{curve.name}.png")
            results[curve.name] = points
            log(f"\n{curve.title}: milliseconds, and times the fastest\n")
            log(_table(curve, points))
    finally:
        for worker in workers.values():
            worker.close()
    return results


def _table(curve, points):
    at = {name: {p[0]: p[1] for p in found} for name, found in points.items()}
    rows = []
    for value in curve.values:
        best = min((found[value] for found in at.values() if value in found), default=None)
        row = [str(value)]
        for found in at.values():
            there = value in found
            row.append(
                f"{report.number(found[value])} ({found[value] / best:.2f}x)" if there else "-"
            )
        rows.append(row)
    return report.table((curve.axis, *at), rows)
