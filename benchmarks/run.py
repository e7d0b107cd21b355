"""One run: what is measured, the record that it leaves, and the page that tells of a record."""

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
    processes,
    startup,
    waiting,
)
from benchmarks.tasks import OPERATIONS, TASKS
from trainers.reports import markdown

# How each study is run, and told. Those that tell no times come last: they may share the machine.
STUDIES = {
    "operations": (operations.run, operations.section),
    "T6": (startup.run, startup.section),
    "T8": (waiting.run, waiting.section),
    "curves": (curves.run, curves.section),
    "T7": activations.study("T7"),
    "terms": activations.study("terms"),
    "losses": (losses.run, losses.section),
}
# The parts of the page.
SECTIONS = {"comparison": comparison.section} | {name: tell for name, (_, tell) in STUDIES.items()}
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
        record = read(options.output)
        if lost := [name for name in options.tasks if name in TASKS and name in record]:
            raise ValueError(
                f"{options.output} has {', '.join(lost)} on record, of which this run, of some "
                "competitors or operations alone, would lose the others: use another --output."
            )


def read(path):
    """The record that a run wrote; empty where there is none.

    Raises:
      ValueError: The file is something else.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ValueError(f"{path} is no record of a run: {error}.") from None


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
    record = read(options.output) if options.output else {}

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
        log(f"\n{text('comparison', record)}")
    for name in (name for name in STUDIES if name in options.tasks):
        threads = activations.THREADS if name in activations.STUDIES else options.threads
        Path(options.pictures).mkdir(parents=True, exist_ok=True)
        keep(name, STUDIES[name][0](options, log), threads=threads)
        log(f"\n{name}\n\n{text(name, record)}")
    return record


def text(name, record):
    """Markdown of one section of the page, and of the runs that measured its parts."""
    parts = {n: record[n] for n in _parts(name) if n in record}
    results = {n: part["results"] for n, part in parts.items() if part["results"]}
    if not results:
        return "This study failed in the last run."
    said = {}
    for part, found in parts.items():
        said.setdefault(_about(found["about"]), []).append(part)
    runs = [f"{', '.join(names)}: {about}" for about, names in said.items()]
    shown = SECTIONS[name](results if name == "comparison" else results[name])
    return f"{shown}\n\n{' '.join(runs)}"


def _parts(section):
    return TASKS if section == "comparison" else (section,)


def _about(about):
    machine, threads = about["machine"], about["threads"]
    text = f"{about['date'][:10]}, {machine['cores']} cores ({machine['processor']}), "
    text += f"{machine['memory_gib']:.0f} GiB, {threads} thread{'s' * (threads > 1)}"
    if "matmul_gflops" in about:
        text += f", float32 matrix products at {about['matmul_gflops']:.0f} GFLOP/s"
    return f"{text}; `{about['command']}`."


def write(path, record):
    """Fills the parts of a page that a record has.

    Raises:
      ValueError: The page has no such part.
    """
    for name in SECTIONS:
        if any(part in record for part in _parts(name)):
            markdown.fill(path, name, text(name, record))
