"""Every family on every toy: `python -m trainers.gallery --output=gallery`.

Trains each family of `zoo.MODELS` that takes points of the plane on each toy density, with the
flags of its recipe (`trainers/recipes/FAMILY-toy2d.flags`), and writes pictures of densities,
samples and warped grids, and tables of the divergence from the truth and of times. Started again on
the same --output it goes on where it was stopped; a cell that failed is tried again.
"""

import subprocess
import sys
from concurrent import futures

from trainers.reports import cells, gallery_pages
from trainers.runs import common, files, options

CELLS = "cells"


def define_flags(fv):
    """Adds the flags of this program to an `absl.flags.FlagValues`."""
    define = options.definers(fv)
    define.path("output", None, "Folder of the gallery and its cells.")
    define.list("families", None, "Keys of zoo.MODELS (all that take points).")
    define.list("toys", None, "Names of toys (all).")
    define.integer("steps", None, "Steps of each training (as the recipe says).", lower_bound=1)
    define.integer(
        "jobs",
        1,
        "Cells made at a time, each in a process of its own; 0: one by one in this process.",
        lower_bound=0,
    )
    define.boolean(
        "retime",
        False,
        "At the end take the times of calls anew, cell after cell, where cells were made beside "
        "other work.",
    )
    define.integer("points", 100_000, "Points of the test.", lower_bound=1000)
    define.boolean("draw", True, "Write the pages at the end.")
    define.path("data_dir", None, "Folder of prepared TFDS data sets.")


def main(args):
    """Makes the gallery as the flags say; returns 1 if a cell failed, or its times, else 0."""
    common.require(args, "output")
    folder = files.writable(args, "output")
    common.start_tensorflow()
    toys = _toys(args.toys)
    chosen, notes = _families(args.families)
    gallery = Gallery(folder, chosen, toys, args)
    gallery.make()
    if args.retime:
        gallery.retime()
    if args.draw:
        gallery.write(notes)
    return 1 if gallery.failed else 0


def _toys(names):
    from trainers.datasets import TOYS

    for name in names or ():
        if name not in TOYS:
            raise ValueError(f"--toys must be of {', '.join(TOYS)}; got {name!r}")
    return list(names or TOYS)


def _families(names):
    """Returns {key: class name}, and notes on the families that were left out."""
    from trainers.runs import families

    if names:
        return {name: families.family(name, "--families").__name__ for name in names}, []
    chosen, left_out = families.of_events((2,))
    notes = [f"{name} is not in the gallery: {reason}" for name, reason in left_out.items()]
    return {name: cls.__name__ for name, cls in chosen.items()}, notes


class Gallery:
    """The cells of a gallery.

    Args:
        folder: Its folder.
        families: Key of `zoo.MODELS` -> name to show.
        toys: Names of toys.
        args: Parsed flags of this program.
    """

    def __init__(self, folder, families, toys, args):
        self.folder, self.families, self.toys, self.args = folder, families, toys, args
        self.cells = {
            (family, toy): cells.Cell(
                folder / CELLS, family, toy, args.steps, args.data_dir, args.points
            )
            for family in families
            for toy in toys
        }
        self.failed = 0

    def make(self):
        """Makes the cells that are not there yet, and says a line of each."""
        missing = [cell for cell in self.cells.values() if cell.figures() is None]
        if done := len(self.cells) - len(missing):
            print(f"{done} of {len(self.cells)} cells are there already", flush=True)
        with futures.ThreadPoolExecutor(max(1, self.args.jobs)) as pool:
            running = {pool.submit(self._one, cell): cell for cell in missing}
            for count, future in enumerate(futures.as_completed(running), start=1):
                cell, ended = running[future], future.result()
                line = _line(cell, ended)
                self.failed += cell.figures() is None
                print(f"[{count}/{len(missing)}] {cell.family} on {cell.toy}: {line}", flush=True)

    def retime(self):
        """Takes the times of calls of all finished cells anew."""
        for cell in self.cells.values():
            if cell.figures() is None:
                continue
            try:
                cell.retime()
                said = "timed anew"
            except (OSError, ValueError, RuntimeError) as error:  # The earlier times stay.
                self.failed += 1
                said = f"NOT timed anew, {common.one_line(error)}"
            print(f"{cell.family} on {cell.toy}: {said}", flush=True)

    def _one(self, cell):
        if not self.args.jobs:
            cell.run()
            return 0
        cell.forget()
        command = [sys.executable, "-m", "trainers.gallery", "--jobs=0", "--nodraw"]
        command += [f"--families={cell.family}", f"--toys={cell.toy}"]
        for name in ("output", "steps", "points", "data_dir"):
            if self.args[name].value is not None:
                command.append(f"--{name}={self.args[name].value}")
        return subprocess.run(command, capture_output=True, check=False).returncode

    def find(self, family, toy):
        """(figures, arrays) of a cell; why it failed; or None where it has not been made."""
        cell = self.cells[family, toy]
        if figures := cell.figures():
            return figures, cell.arrays()
        return cell.failure()

    def write(self, notes):
        """Writes the pages."""
        from trainers.datasets import TOYS

        rows = list(self.families.items())
        for path in gallery_pages.write(self.folder, rows, self.toys, self.find, TOYS, notes):
            print(f"written: {path}")


def _line(cell, status):
    figures = cell.figures()
    if figures is None:
        return f"FAILED: {cell.failure() or f'its process ended with status {status}'}"

    return gallery_pages.line(figures)


if __name__ == "__main__":
    common.run(define_flags, main)
