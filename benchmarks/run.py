"""Measures this library beside its peers.

Example:

```sh
python -m benchmarks.run --tasks=T1,T2 --rounds=10 --output=benchmarks/results.json
```
"""

import datetime
import functools
import json
import sys
from pathlib import Path

from absl import app, flags

from benchmarks import (
    comparison,
    competitors,
    curves,
    depth,
    environment,
    losses,
    operations,
    startup,
    terms,
    waiting,
)
from benchmarks.tasks import OPERATIONS, TASKS

# Those that tell no times come last: they may share the machine.
STUDIES = {
    "operations": operations.run,
    "T6": startup.run,
    "T8": waiting.run,
    "curves": curves.run,
    "T7": depth.run,
    "terms": terms.run,
    "losses": losses.run,
}
FLAGS = flags.FLAGS

flags.DEFINE_list("tasks", [*TASKS, *STUDIES], f"Among {', '.join([*TASKS, *STUDIES])}.")
flags.DEFINE_list("competitors", [], f"Among {', '.join(competitors.COMPETITORS)}; all by default.")
flags.DEFINE_list("operations", list(OPERATIONS), f"Among {', '.join(OPERATIONS)}.")
flags.DEFINE_integer("rounds", 10, "Turns of each competitor.", lower_bound=1)
flags.DEFINE_integer("steps", 50, "Training steps of one call of fit.", lower_bound=1)
flags.DEFINE_float("seconds", 60.0, "Time after which a competitor's operation has no more turns.")
flags.DEFINE_integer("threads", 2, "Threads of every competitor.", lower_bound=1)
flags.DEFINE_string("output", None, "JSON file for the results.")
flags.DEFINE_string("pictures", "benchmarks/curves", "Folder for the scaling curves.")


def log(text):
    """Prints at once: a run takes long."""
    print(text, flush=True)


def check(options):
    """Completes the flags.

    Raises:
      ValueError: One has an unknown value.
    """
    for name, known in (("tasks", [*TASKS, *STUDIES]), ("operations", OPERATIONS)):
        unknown = [value for value in getattr(options, name) if value not in known]
        if unknown:
            raise ValueError(
                f"--{name} must be among {', '.join(known)}, got {', '.join(unknown)}."
            )
    options.competitors = competitors.names(options.competitors)
    some = set(options.competitors) < set(competitors.COMPETITORS)
    if (some or set(options.operations) < set(OPERATIONS)) and options.output:
        tasks = earlier(options.output).get("comparison", {}).get("results", {}).get("tasks", {})
        if lost := [name for name in options.tasks if name in tasks]:
            raise ValueError(
                f"{options.output} has {', '.join(lost)} on record, of which this run, of some "
                "competitors or operations alone, would lose the others: use another --output."
            )


def earlier(output):
    """What an earlier run wrote into this file; empty where there is none.

    Raises:
      ValueError: The file is something else, or has tasks that there are no more.
    """
    path = Path(output)
    if not path.exists():
        return {}
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{output} is no record of a run: {error}.") from None
    found = record.get("comparison", {}).get("results", {}).get("tasks", {})
    if unknown := [name for name in found if name not in TASKS]:
        raise ValueError(
            f"{output} has tasks on record that there are no more, {', '.join(unknown)}: use "
            "another --output."
        )
    return record


def measure(options):
    """All that the flags ask for; the record is written after each task and study.

    What an earlier run wrote of other parts, and other tasks, into the same file stays there.

    Returns:
      Dictionary from parts to `{"about": {date, command, machine, threads}, "results": ...}`.
    """
    about = {
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": " ".join(["python -m benchmarks.run", *sys.argv[1:]]),
        "machine": environment.machine(),
        "threads": options.threads,
    }
    log(f"{about['machine']}, {options.threads} threads")
    path = Path(options.output) if options.output else None
    before = earlier(path) if path else {}
    record = dict(before)

    def keep(name, results):
        part = {"about": about, "results": results}
        if name == "comparison":
            part = comparison.merged(before.get(name), part)
        record[name] = part
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")

    if set(options.tasks) & set(TASKS):
        # It takes an hour: what is measured is kept task by task.
        each = functools.partial(keep, "comparison")
        each(comparison.run(options, log, each))
    for name, run in STUDIES.items():
        if name in options.tasks:
            keep(name, run(options, log))
    return record


def main(argv):
    """Runs; wrong flags and failures end with one line."""
    if len(argv) > 1:
        sys.exit(f"expected flags only, got {' '.join(argv[1:])}")
    try:
        check(FLAGS)
        measure(FLAGS)
    except (ValueError, RuntimeError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    app.run(main)
