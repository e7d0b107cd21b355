"""T6: from the start of a process to its first log-densities, and its memory.

As a program, `python -m benchmarks.startup NAME TASK` does so once and prints a JSON object.
"""

import importlib
import json
import os
import sys
import time

from benchmarks import competitors, driver, environment, memory, report

STAGES = ("python", "framework", "library", "build", "log_prob")
MODELS = ("T1", "T4")
# Seconds on top of importing the framework, and of compiling a training step (T4).
AIMS = {"own": 5.0, "compile": 8.0}


def measure(name, task_name, start):
    """Goes through the stages in this process.

    Args:
      name: Of a competitor.
      task_name: `"T1"` or `"T4"`.
      start: `time.time()` at the start of the process.

    Returns:
      Seconds of each stage; `own`, of all but the framework's import; `compile`, what the first
      training step takes more than the second; peaks of memory in MiB.
    """
    stages, last = {}, start

    def done(stage):
        nonlocal last
        now = time.time()
        stages[stage], last = now - last, now

    done("python")
    importlib.import_module(competitors.COMPETITORS[name].framework)
    framework_mib = memory.peak_mib()
    done("framework")
    tasks = importlib.import_module("benchmarks.tasks").TASKS
    competitor = competitors.load(name)
    done("library")
    task = tasks[task_name]
    why = competitor.left_out(task)
    if why:
        return {"left_out": why}
    model = competitor.build(task, steps=1)
    done("build")
    model.log_prob()
    done("log_prob")
    own = sum(stages.values()) - stages["framework"]
    log_prob_mib = memory.peak_mib()
    model.train()
    done("first_step")
    model.train()
    done("second_step")
    return stages | {
        "own": own,
        "compile": stages["first_step"] - stages["second_step"],
        "framework_mib": framework_mib,
        "log_prob_mib": log_prob_mib,
        "train_mib": memory.peak_mib(),
    }


def run(options, log):
    """Fresh processes of each competitor in turns; the median of each figure over the rounds."""
    results, names = {}, competitors.flows(options.competitors)
    for task in MODELS:
        found = {name: [] for name in names}
        for turn in range(min(options.rounds, 3)):
            for name in names:
                answer = driver.child("startup", [name, task], options.threads)
                why = answer.get("left_out") or answer.get("error")
                if not why:
                    found[name].append(answer)
                elif not turn:
                    log(f"T6 {task} {name}: left out, {why}")
        results[task] = {name: median(runs) for name, runs in found.items() if runs}
        log(f"\nT6, {task}: seconds to the first log_prob without the framework's import\n")
        log(_table(results[task]))
    return results


def median(runs):
    """The median of each figure of several runs."""
    return {key: sorted(run[key] for run in runs)[len(runs) // 2] for key in runs[0]}


def _table(entries):
    header = ("competitor", "own s", "import", "build", "log_prob", "compile step")
    header += ("framework MiB", "log_prob MiB", "train MiB")
    keys = ("own", "library", "build", "log_prob", "compile")
    memories = ("framework_mib", "log_prob_mib", "train_mib")
    rows = [
        [name, *(report.number(e[k]) for k in keys), *(f"{e[k]:.0f}" for k in memories)]
        for name, e in entries.items()
    ]
    return report.table(header, rows)


def main():
    """Measures once, as the arguments say."""
    start = float(os.environ.get("BENCHMARK_START") or time.time())
    environment.pin(int(os.environ.get("BENCHMARK_THREADS", "2")))
    print(json.dumps(measure(sys.argv[1], sys.argv[2], start)))


if __name__ == "__main__":
    main()
