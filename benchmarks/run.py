"""One run: what is measured, and the record that it leaves."""

import datetime
import json
import sys
from pathlib import Path

from benchmarks import (
    activations,
    comparison,
    competitors,
    curves,
    losses,
    operations,
    page,
    processes,
    startup,
    waiting,
)
from benchmarks.tasks import OPERATIONS, TASKS

# Those that tell no times come last: they may share the machine.
STUDIES = {
    "operations": operations.run,
    "T6": startup.run,
    "T8": waiting.run,
    "curves": curves.run,
    "T7": lambda options, log: activations.run("T7", log),
    "terms": lambda options, log: activations.run("terms", log),
    "losses": losses.run,
}
# What flags may say.
KNOWN = {
    "tasks": [*TASKS, *STUDIES],
    "operations": list(OPERATIONS),
    "competitors": list(competitors.COMPETITORS),
}


def log(text):
    """Prints at once: a run takes long."""
    print(text, flush=True)


def check(options):
    """Checks the flags.

    Raises:
      ValueError: One has an unknown value, or the run would lose what is on record.
    """
    for name, known in KNOWN.items():
        if unknown := [value for value in getattr(options, name) if value not in known]:
            raise ValueError(
                f"--{name} must be among {', '.join(known)}, got {', '.join(unknown)}."
            )
    some = any(set(getattr(options, name)) < set(KNOWN[name]) for name in KNOWN if name != "tasks")
    if some and options.output:
        record = page.read(options.output)
        if lost := [name for name in options.tasks if name in TASKS and name in record]:
            raise ValueError(
                f"{options.output} has {', '.join(lost)} on record, of which this run, of some "
                "competitors or operations alone, would lose the others: use another --output."
            )


def measure(options):
    """All that the flags ask for; the record is written after each task and study.

    What an earlier run wrote of other parts, and other tasks, into the same file stays there.

    Returns:
      Dictionary from parts to `{"about": {date, command, machine, ...}, "results": ...}`.
    """
    about = {
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": " ".join(["python -m benchmarks", *sys.argv[1:]]),
        "machine": processes.machine(),
        "threads": options.threads,
        "versions": competitors.versions(),
    }
    record = page.read(options.output) if options.output else {}

    def keep(name, results, **more):
        record[name] = {"about": about | more, "results": results}
        if options.output:
            path = Path(options.output)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")

    if set(options.tasks) & set(TASKS):
        # It takes an hour: what is measured is kept task by task.
        for name, results, gflops in comparison.run(options, log):
            keep(name, results, matmul_gflops=gflops)
        log(f"\n{page.text('comparison', record)}")
    for name in (name for name in STUDIES if name in options.tasks):
        threads = activations.THREADS if name in activations.STUDIES else options.threads
        Path(options.pictures).mkdir(parents=True, exist_ok=True)
        keep(name, STUDIES[name](options, log), threads=threads)
        log(f"\n{name}\n\n{page.text(name, record)}")
    return record
