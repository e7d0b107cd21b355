"""Runs cases of each kind, each in a folder of its own, and tells their faults."""

import collections
import contextlib
import io
import os
import random
import shutil
import tempfile

from tests.fuzz import calls, commands, files, fixtures
from tests.fuzz.oracle import Watch, judged

KINDS = {"commands": commands.draw, "calls": calls.draw, "files": files.draw}
# What is to be made before the watch begins.
NEEDED = {
    "commands": ["plane_run", "digits_run"],
    "calls": ["loaded", "entry"],
    "files": ["loaded", "entry", "known", "plane_run"],
}


class Fuzz:
    """All cases of one seed.

    Args:
      root: An empty folder, to which everything is written.
      seed: Of the cases.
      say: Called with lines of text.
    """

    def __init__(self, root, seed=0, say=print):
        self.root, self.seed, self.say = root, seed, say
        for name in ("tmp", "home", "cases"):
            (root / name).mkdir()
        os.environ |= {"HOME": str(root / "home"), "TMPDIR": str(root / "tmp")}
        tempfile.tempdir = None
        self.made = fixtures.Fixtures(root / "made")
        self.watch = Watch(root)

    def prepare(self, kind):
        """Makes what cases of a kind start from."""
        with contextlib.redirect_stdout(io.StringIO()):
            for name in NEEDED[kind]:
                getattr(self.made, name)

    def case(self, kind, number):
        """`(what it is, function without arguments, its folder)`."""
        draw = random.Random(f"{self.seed} {kind} {number}")
        folder = self.root / "cases" / f"{kind}-{number}"
        folder.mkdir(exist_ok=True)
        return *KINDS[kind](draw, folder, self.made), folder

    def run(self, kind, count, first=0):
        """Runs `count` cases of a kind from number `first` on; returns the number of faults."""
        self.prepare(kind)
        tally = collections.Counter()
        for number in range(first, first + count):
            what, case, folder = self.case(kind, number)
            with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
                accepted, fault = judged(case, folder, self.watch)
            tally["accepted" if accepted else "refused"] += fault is None
            if fault:
                tally[fault.kind] += 1
                self.say(f"{kind}:{number} {fault.kind}: {fault.text}\n    {what}")
            shutil.rmtree(folder, ignore_errors=True)
        faults = {name: tally[name] for name in ("trace", "nonsense", "outside")}
        told = ", ".join(f"{n} {name}" for name, n in faults.items())
        self.say(f"{kind}: {tally['refused']} refused, {tally['accepted']} accepted; {told}")
        return sum(faults.values())

    def show(self, kind, number):
        """Runs one case without catching what it raises."""
        self.prepare(kind)
        what, case, folder = self.case(kind, number)
        self.say(what)
        with contextlib.chdir(folder):
            case()
