"""The page that tells what a run found: standing prose, with a part for each study filled in."""

import json
from pathlib import Path

from benchmarks import activations, comparison, curves, losses, operations, startup, waiting
from benchmarks.tasks import TASKS
from trainers.reports import markdown

# Markdown of the results of each part of a record, in the order of the page.
SECTIONS = {
    "comparison": comparison.section,
    "operations": operations.section,
    "curves": curves.section,
    "T6": startup.section,
    "T7": lambda results: activations.section("T7", results),
    "terms": lambda results: activations.section("terms", results),
    "losses": losses.section,
    "T8": waiting.section,
}


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
