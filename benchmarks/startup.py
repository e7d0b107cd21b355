"""T6: from the start of a process to its first log-densities, and its memory."""

import importlib
import resource
import statistics
import sys
import time

from benchmarks import competitors, processes, rounds
from trainers.reports import markdown

MODELS = ("T1", "T4")
TURNS = 3


def measure(task_name, name):
    """Goes through the stages of a competitor in this process.

    Returns:
      Seconds of each stage; `own`, of all but the framework's import; `compile`, what the first
      training step takes more than the second; peaks of memory in MiB.
    """
    stages, last = {}, processes.started

    def done(stage):
        nonlocal last
        now = time.time()
        stages[stage], last = now - last, now

    done("python")
    importlib.import_module(competitors.COMPETITORS[name].framework)
    framework_mib = _peak_mib()
    done("framework")
    task = importlib.import_module("benchmarks.tasks").TASKS[task_name]
    builder = competitors.builder(name, task.family)
    done("library")
    if builder is None:
        raise NotImplementedError(f"{name} has no {task.family}")
    model = builder(task, steps=1)
    done("build")
    model.log_prob()
    done("log_prob")
    own = sum(stages.values()) - stages["framework"]
    log_prob_mib = _peak_mib()
    for stage in ("first_step", "second_step"):
        model.train()
        done(stage)
    return stages | {
        "own": own,
        "compile": stages["first_step"] - stages["second_step"],
        "framework_mib": framework_mib,
        "log_prob_mib": log_prob_mib,
        "train_mib": _peak_mib(),
    }


def _peak_mib():
    """The most memory of this process so far."""
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def run(options, log):
    """Fresh processes of each competitor in turns; the median of each figure over the rounds."""
    results = {}
    for task in MODELS:
        names = [name for name in options.competitors if competitors.COMPETITORS[name].flow]
        runs = {name: [] for name in names}
        for _ in range(min(options.rounds, TURNS)):
            cases = [(task, name) for name in names]
            found = processes.each("T6", measure, cases, options.threads, log)
            names = [name for _, name in found]  # What failed is not asked again.
            for (_, name), answer in found.items():
                runs[name].append(answer)
        results[task] = {name: median(answers) for name, answers in runs.items() if answers}
    return results


def median(answers):
    """The median of each figure of several runs."""
    return {key: statistics.median_high(a[key] for a in answers) for key in answers[0]}


COLUMNS = {
    "first log_prob, s": "own",
    "of it import": "library",
    "build": "build",
    "log_prob": "log_prob",
    "compiling a training step, s": "compile",
    "peak of log_prob, MiB": "log_prob_mib",
    "of training": "train_mib",
}


def section(results):
    """Figures of each task, the fastest competitor first."""
    rows = []
    for task, entries in results.items():
        for name, e in sorted(entries.items(), key=lambda item: item[1]["own"]):
            shown = f"**{name}**" if name == competitors.OURS else name
            rows.append([task, shown, *(rounds.number(e[key], 1) for key in COLUMNS.values())])
    header = ("task", "", *COLUMNS)
    return markdown.table(rows, header, range(2, len(header)))
