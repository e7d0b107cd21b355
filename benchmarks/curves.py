"""Scaling curves: time against dimensions, depth and batch, as pictures."""

import dataclasses
from pathlib import Path

from benchmarks import comparison, competitors, rounds
from benchmarks.tasks import TASKS
from trainers import markdown

# A competitor that took longer than this is not asked for more.
LONGEST = 10.0


@dataclasses.dataclass(frozen=True)
class Curve:
    """One picture: a task and an operation whose `field` takes on `values`."""

    title: str
    axis: str
    task: str
    operation: str
    field: str
    values: tuple

    def at(self, value):
        """The task with this value."""
        value = (value,) if self.field == "event_shape" else value
        return dataclasses.replace(TASKS[self.task], **{self.field: value})


CURVES = {
    "dimensions": Curve(
        "Sampling from a MAF, 5 layers of 1x1024, 64 samples",
        "dimensions",
        "T3",
        "sample",
        "event_shape",
        (16, 64, 256, 784, 1536, 3072),
    ),
    "depth": Curve(
        "log_prob of a RealNVP, D=64, couplings of 2x256, batch 1024",
        "couplings",
        "T1",
        "log_prob",
        "layers",
        (1, 2, 4, 8, 16, 32),
    ),
    "batch": Curve(
        "log_prob of a RealNVP, D=64, 8 couplings of 2x256",
        "batch",
        "T1",
        "log_prob",
        "batch",
        (1, 4, 16, 64, 256, 1024, 4096),
    ),
}


def follow(curve, workers, turns, budget, log):
    """Times every point of a curve.

    Returns:
      Dictionary from names to lists of `[value, median_ms, low_ms, high_ms]`.
    """
    points, still = {name: [] for name in workers}, dict(workers)
    for value in curve.values:
        lines = []
        still = comparison.build(still, curve.at(value), 1, lines.append)[0]
        for line in (line for line in lines if "left out" in line):
            log(f"{curve.axis}: {line}")
        for name, times in rounds.interleave(still, curve.operation, turns, budget).items():
            if times.rounds:
                entry = rounds.summary(times.rounds)
                points[name].append([value, entry["median_ms"], entry["low_ms"], entry["high_ms"]])
            if times.error or times.last > LONGEST:
                del still[name]
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
    names = [name for name in options.competitors if competitors.COMPETITORS[name].flow]
    results = {}
    with comparison.started(names, options.threads, log) as workers:
        for name, curve in CURVES.items():
            points = follow(curve, workers, min(options.rounds, 5), options.seconds, log)
            if points:
                draw(curve, points, Path(options.pictures) / f"{name}.png")
                results[name] = points
    return results


def section(results):
    """Tables of the curves: milliseconds, and in brackets times the fastest."""
    tables = []
    for name, points in results.items():
        curve, rows = CURVES[name], []
        at = [{p[0]: p[1] for p in found} for found in points.values()]
        for value in curve.values:
            best = min((found[value] for found in at if value in found), default=None)
            cells = (
                f"{rounds.number(found[value])} ({found[value] / best:.1f})"
                if value in found
                else "-"
                for found in at
            )
            rows.append([str(value), *cells])
        header = (curve.axis, *points)
        table = markdown.table(rows, header, range(len(header)))
        tables.append(f"{curve.title}:\n\n{table}")
    return "\n\n".join(tables)
