"""The part of a page that tells what a run found.

Example:

```sh
python -m benchmarks.page --results=benchmarks/results.json --readme=README.md
```
"""

import json
import sys
from pathlib import Path

from absl import app, flags

from benchmarks import competitors, depth, losses, operations, report, startup, terms
from benchmarks.tasks import AIMS
from trainers import markdown

FLAGS = flags.FLAGS

flags.DEFINE_string("results", "benchmarks/results.json", "What benchmarks.run wrote.")
flags.DEFINE_string("readme", "README.md", "Page with a part called `benchmarks`.")


def text(record):
    """Markdown of those of `PARTS` that a record has; a study that failed is left out."""
    parts = [
        write(record[name]["results"], record[name]["about"])
        for name, write in PARTS.items()
        if record.get(name, {}).get("results")
    ]
    return "\n\n".join(parts)


def _about(about, threads=None):
    machine, threads = about["machine"], threads or about["threads"]
    shape = f"{machine['cores']} cores ({machine['processor']}), {machine['memory_gib']:.0f} GiB"
    shape += f", {threads} thread{'s' * (threads > 1)}"
    return f"{about['date'][:10]}, {shape}, `{about['command']}`"


def _comparison(results, about):
    rows = []
    for task, found in results["tasks"].items():
        for operation, result in found.items():
            entry, aim = result["entries"].get(competitors.OURS), AIMS[task][operation]
            if entry is None or not result["best_peer"]:
                continue
            ratio = entry["to_best_peer"]
            shown = f"**{ratio:.2f}**" if ratio <= aim else f"{ratio:.2f}"
            low, high = (ratio * entry[end] / entry["median_ms"] for end in ("low_ms", "high_ms"))
            others = sorted(
                (other["to_best_peer"], name)
                for name, other in result["entries"].items()
                if name not in (competitors.OURS, result["best_peer"])
            )
            rows.append(
                [
                    f"{task} {operation}",
                    f"{shown} ({low:.2f}–{high:.2f})",
                    f"{aim:.2f}",
                    result["best_peer"],
                    ", ".join(f"{name} {report.number(x)}" for x, name in others),
                    report.number(entry["to_limit"], 1),
                ]
            )
    header = ("task", "ours", "aim", "fastest peer = 1", "others", "ours, times the limit")
    return f"{markdown.table(rows, header, (1, 2, 5))}\n\n{_runs(results, about)}"


def _runs(results, about):
    """What is to be said of the runs that measured the tasks, each once."""
    own = {"about": about, "matmul_gflops": results["matmul_gflops"]}
    measured = results.get("measured", dict.fromkeys(results["tasks"], own))
    said = {}
    for task in results["tasks"]:
        run = measured[task]
        text = (
            f"{_about(run['about'])}. The limit is the task's arithmetic at the "
            f"{run['matmul_gflops']:.0f} GFLOP/s of this machine's float32 matrix products."
        )
        said.setdefault(text, []).append(task)
    if len(said) == 1:
        return next(iter(said))
    return " ".join(f"{', '.join(tasks)}: {text}" for text, tasks in said.items())


def _operations(results, about):
    header = operations.HEADER
    return (
        "What the time of our calls goes to, as shares of the time of their operations, by "
        "TensorFlow's profiler; two operations may run side by side, so that all of them may take "
        "more than the call:\n\n"
        f"{markdown.table(operations.shares(results), header, range(1, len(header)))}\n\n"
        f"{_about(about)}."
    )


def _startup(results, about):
    rows = []
    for task, entries in results.items():
        for name, e in sorted(entries.items(), key=lambda item: item[1]["own"]):
            mine = name == competitors.OURS
            seconds = [f"{e['own']:.1f}", f"{e['compile']:.1f}", f"{e['train_mib']:.0f}"]
            rows.append([task, f"**{name}**" if mine else name, *seconds])
    header = ("task", "", "first log_prob, s", "compiling a training step, s", "peak, MiB")
    aims = startup.AIMS
    return (
        "From the start of a process, without the import of its framework (T6; aims for ours on "
        f"T4: {aims['own']:.0f} and {aims['compile']:.0f} s):\n\n"
        f"{markdown.table(rows, header, (2, 3, 4))}\n\n{_about(about)}."
    )


def _depth(results, about):
    rows = []
    for mode, found in results.items():
        if found:
            values, growth = depth.growth(found)
            rest = [found.get(str(k), {}).get("baseline_mib") for k in depth.DEPTHS]
            pairs = zip(values, rest, strict=True)
            numbers = [f"{report.number(v, 0)} ({report.number(r, 0)})" for v, r in pairs]
            rows.append([f"`{mode}`", *numbers, report.number(growth)])
    header = ("recompute", *(f"K={k}" for k in depth.DEPTHS), "growth")
    return (
        "MiB that the activations of a training step of T4 take, by its steps a scale, and in "
        "brackets what the peak has besides, whatever the batch: gradients and the optimizer's "
        "work, without the weights. Tensors are counted by the bytes they ask for, by "
        "TensorFlow's profiler (T7; aim for `inverse`: activations that grow by a factor of at "
        f"most {depth.AIM:.2f}; a dash where something else makes the peak):\n\n"
        f"{markdown.table(rows, header, range(1, len(header)))}\n\n{_about(about, depth.THREADS)}."
    )


def _terms(results, about):
    rows = [[f"`{name}`", *terms.numbers(found)] for name, found in results.items()]
    header = ("gradient", *(f"{n} terms" for n in terms.TERMS))
    return (
        "MiB that the activations of a training step of a residual flow take (T5), by the number "
        "of terms of its series, with the gradient by a Neumann series, which is what "
        "`zoo.ResidualFlow` trains with, and with that through the terms:\n\n"
        f"{markdown.table(rows, header, range(1, len(header)))}\n\n{_about(about)}."
    )


def _losses(results, about):
    kept, told, start = results["none"]["losses"], [], losses.START * losses.STEPS
    for mode in results:
        if mode != "none":
            early, late = losses.apart(results, mode, losses.START), losses.apart(results, mode)
            told.append(f"with `{mode}` {early:.1e} and {late:.1e}")
    return (
        f"A Glow trained for {losses.STEPS * len(kept)} steps on photographs gets from "
        f"{kept[0]:.0f} to {kept[-1]:.0f} nats an image with all activations kept. The largest "
        f"relative difference from its loss over the first {start} steps and over all is "
        f"{'; '.join(told)}. `checkpoint` does the arithmetic of ordinary training, but for the "
        f"order of sums; {_about(about)}."
    )


def _waiting(results, about):
    return (
        f"Waiting for input (T8, a MAF on the digits pipeline): {results['share']:.1%} of a step; "
        f"{_about(about)}."
    )


PARTS = {
    "comparison": _comparison,
    "operations": _operations,
    "T6": _startup,
    "T7": _depth,
    "terms": _terms,
    "losses": _losses,
    "T8": _waiting,
}


def main(argv):
    """Fills the page; failures end with one line."""
    if len(argv) > 1:
        sys.exit(f"expected flags only, got {' '.join(argv[1:])}")
    try:
        record = json.loads(Path(FLAGS.results).read_text(encoding="utf-8"))
        markdown.fill(FLAGS.readme, "benchmarks", text(record))
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    app.run(main)
