"""Scaling curves: time against dimensions, depth and batch, as pictures."""

import dataclasses
from pathlib import Path

from benchmarks import comparison, competitors, rounds
from benchmarks.tasks import TASKS
from trainers.reports import markdown

# A competitor that took longer than this is not asked for more.
LONGEST = 10.0


@dataclasses.dataclass(frozen=True)
class Curve:
    """One picture: a task and an operation as a field of the task takes on values."""

    title: str
    task: str
    operation: str
    field: str
    values: tuple

    def at(self, value):
        """The task with this value."""
        value = (value,) if self.field == "event_shape" else value
        return dataclasses.replace(TASKS[self.task], **{self.field: value})


_MAF = "Sampling from a MAF, 5 layers of 1x1024, 64 samples"
_DEEP = "log_prob of a RealNVP, D=64, couplings of 2x256, batch 1024"
_WIDE = "log_prob of a RealNVP, D=64, 8 couplings of 2x256"
CURVES = {
    "dimensions": Curve(_MAF, "T3", "sample", "event_shape", (16, 64, 256, 784, 1536, 3072)),
    "depth": Curve(_DEEP, "T1", "log_prob", "layers", (1, 2, 4, 8, 16, 32)),
    "batch": Curve(_WIDE, "T1", "log_prob", "batch", (1, 4, 16, 64, 256, 1024, 4096)),
}


def follow(curve, started, turns, budget, log):
    """Times every point of a curve: from names to lists of `[value, median, low, high]`, ms."""
    points, still = {name: [] for name in started}, dict(started)
    for value in curve.values:
        still = comparison.build(still, curve.at(value), 1, log)[0]
        for name, times in rounds.interleave(still, curve.operation, turns, budget).items():
            if times.rounds:
                entry = rounds.summary(times.rounds)
                points[name].append([value, entry["median_ms"], entry["low_ms"], entry["high_ms"]])
            if times.error or times.rounds[-1] > LONGEST:
                del still[name]
    return {name: found for name, found in points.items() if found}


def draw(name, points, path):
    """Draws the points of one curve into a PNG file."""
    from matplotlib.figure import Figure

    curve, figure = CURVES[name], Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for competitor, found in points.items():
        values, medians, lows, highs = zip(*found, strict=True)
        (line,) = axes.plot(values, medians, "o-", label=competitor, markersize=4)
        axes.fill_between(values, lows, highs, color=line.get_color(), alpha=0.2, linewidth=0)
    axes.set(xscale="log", yscale="log", xlabel=name, ylabel="milliseconds a call")
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
    with comparison.started(names, options.threads, log) as found:
        for name, curve in CURVES.items():
            points = follow(curve, found, min(options.rounds, 5), options.seconds, log)
            if points:
                draw(name, points, Path(options.pictures) / f"{name}.png")
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
            times = [found.get(value) for found in at]
            shown = [f"{rounds.number(t)} ({t / best:.1f})" if t else "-" for t in times]
            rows.append([str(value), *shown])
        table = markdown.table(rows, (name, *points), range(1 + len(points)))
        tables.append(f"{curve.title}:\n\n{table}")
    return "\n\n".join(tables)
