"""Odd command lines: a good one of a program, with up to three flags that are not."""

import contextlib
import importlib
import io
import json

import numpy as np
from absl import flags

from tests.fuzz.fixtures import QUICK
from tests.fuzz.oracle import MOST, Refused, finite, require
from trainers.runs import common, flagfiles

PROGRAMS = {
    "train": 12, "sample": 6, "evaluate": 3, "explore": 3, "export": 2, "publish": 2, "compare": 2,
    "gallery": 1,
}  # fmt: skip
# Values that no flag of a type takes, and those that some do.
NEVER = {
    "FloatParser": ["nan", "inf", "-inf", "1e999", "x", "", "1,2", "0x", "--", "٣x"],
    "IntegerParser": ["nan", "1.5", "1e3", "x", "", "9" * 30, "-" + "9" * 30, "4294967296", "1 2"],
    "BooleanParser": ["maybe", "2", "", "nan", "None"],
    "EnumParser": ["x", "", "ADAM", "nan", "train,test", "\n"],
    "_PathParser": ["~nouser/x", "a\0b", "~nouser"],
    "ListParser": [],
    "ArgumentParser": [],
}
NEVER["_FiniteParser"] = NEVER["FloatParser"]
SOME = {
    "FloatParser": ["-1", "0", "1e30", "1e-30", "1", "0.3", "-0.0", "1_0"],
    "IntegerParser": ["-1", "0", "1", "2", "3", "2147483647", "1000000000", "-2147483648", "007"],
    "BooleanParser": ["true", "false", "0"],
    "EnumParser": [],
    "_PathParser": ["", ".", "file", "file/x", "/dev/null/x", "nobody", "a" * 300, "é", "\n", " "],
    "ListParser": ["", ",", "nan", "0", "-1", "1,2", "x", "8,8,8", "1e999", "[", "~nouser", "1,,2"],
    "ArgumentParser": ["", "x", "{}", "[]", "null", "~nouser", "\n", "a" * 2000, "é", "-1", "maf"],
}  # fmt: skip
SOME["_FiniteParser"] = SOME["FloatParser"]
JSON = [
    '{"a": NaN}', '{"num_layers": []}', '{"hidden_units": 5}', '{"order": 3}', '{"activation": 1}',
    '{"model": "made"}', '{"model": 3}', '{"alpha": "x"}', '{"seed": 5}', '{"jit_compile": []}',
    '{"hidden_units": null}', '{"num_layers": 1e3}', '{"transformer": {"a": 1}}', "[" * 100000,
    '{"transformer": ["affine"]}', '{"dequantization": 7}', '{"num_layers": 0}', '{"a": 1, "a": 2}',
    '{"num_layers": true}', '{"recompute": "x"}', '{"permutation": 3}', '{"hidden_units": ["a"]}',
    '{"hidden_units": [0]}', '{"base": {"model": "maf"}}', '{"event_shape": [1]}', '{"order": [0]}',
    '{"preprocessing": []}', '{"base": []}', '{"name": "a/b"}', '{"hidden_units": [1e9]}', "{", "",
    '{"model": "maf", "hidden_units": [1000000, 1000000]}', '{"num_layers": 1000000000}',
]  # fmt: skip
LISTS = {"hidden_units": ["0", "-8", "8,x", "8.5", "8" * 20, "", "99999999", "8,,8", " 8 "]}


def draw(random, folder, made):
    """`(what it is, a function that runs it)`."""
    name = random.choices(list(PROGRAMS), list(PROGRAMS.values()))[0]
    program = importlib.import_module(f"trainers.{name}")
    argv, shape = _good(random, name, folder, made)
    never = False
    known = flagfiles.new_options(program.define_flags)
    names = sorted(set(known) - {"flagfile"})
    if random.random() < 0.08:
        argv.append(_flagfile(random, folder))
        never = True
    for _ in range(random.choice([0, 1, 1, 1, 2, 2, 3]) if not never else 0):
        flag, value, bad = _odd(random, names, known)
        argv.append(f"--{flag}={value}")
        never = never or bad
    if random.random() < 0.05:
        argv.insert(
            random.randint(0, len(argv)), random.choice(["--no", "x", "-", "--", "--=", "-x=1"])
        )
        never = argv[-1] not in ("--", "--no") and "--" not in argv
    (folder / "file").write_text("x")
    what = f"{name} {' '.join(repr(a[:100]) for a in argv)}"
    return what, lambda: _run(program, argv, never, shape, folder)


def _good(random, name, folder, made):
    """A command line that works, and the shape of its flow's events."""
    # Publishing images compares them with other data, which takes minutes.
    plane = name == "publish" or (random.random() < 0.6 and name != "explore")
    run, data = ("plane_run", "two_moons") if plane else ("digits_run", "digits")
    model, shape = f"--model={getattr(made, run)}", (2,) if plane else (8, 8, 1)
    dataset = [f"--dataset={data}", f"--data_dir={made.data}"]
    argv = {
        "train": lambda: [
            f"--model={random.choice(['maf', 'maf', 'nice', 'real_nvp', 'made', 'planar'])}",
            f"--model_dir={folder / 'run'}", "--epochs=1", "--batch_size=100", "--noise_draws=1",
            *dataset, *QUICK,
        ],
        "sample": lambda: [model, f"--output={folder / 'x.npy'}", "--num=4", "--seed=1"],
        "evaluate": lambda: [
            model, *dataset, "--noise_draws=1", "--round_trip_examples=20",
            f"--output_dir={folder / 'out'}",
        ],
        "explore": lambda: [
            model, *dataset, f"--output_dir={folder / 'out'}", "--examples=8", "--rows=2",
            f"--pictures={random.choice(['temperatures', 'classes', 'interpolations'])}",
        ],
        "export": lambda: [model, f"--export_dir={folder / 'out'}"],
        "publish": lambda: [
            f"--model_dir={getattr(made, run)}", "--name=x", f"--zoo_dir={folder / 'zoo'}",
            "--noise_draws=1",
        ],
        "compare": lambda: [f"--runs={getattr(made, run)}", f"--dataset={data}"],
        "gallery": lambda: [
            f"--output={folder / 'out'}", "--families=maf", "--toys=none", "--jobs=0", "--steps=1",
        ],
    }[name]()  # fmt: skip
    if name == "train" and argv[0] != "--model=planar":
        argv.append("--hidden_units=4")
    if name == "train" and argv[0] != "--model=made":
        argv.append("--num_layers=1")
    return argv, shape


def _odd(random, names, known):
    """A flag, an odd value of it, and whether no program may take it."""
    if "model_args" in names and random.random() < 0.2:
        return random.choice(["model_args", "base"]), random.choice(JSON), False
    flag = random.choice(names)
    kind = type(known[flag].parser).__name__
    if flag in LISTS:
        return flag, random.choice(LISTS[flag]), False
    bad = [(value, True) for value in NEVER[kind]]
    return flag, *random.choice(bad + [(value, False) for value in SOME[kind]])


def _flagfile(random, folder):
    path = folder / "flags"
    kind = random.choice(["binary", "itself", "missing", "folder", "words", "nobody", "circle"])
    if kind == "folder":
        path.mkdir()
    elif kind == "nobody":
        return "--flagfile=~nouser/flags"
    elif kind != "missing":
        other = folder / "other"
        other.write_text(f"--flagfile={path}\n")
        path.write_bytes({
            "binary": random.randbytes(200) + b"\xff\n--\x00",
            "itself": f"--flagfile={path}\n".encode(),
            "circle": f"--flagfile={other}\n".encode(),
            "words": b"train it well\n",
        }[kind])  # fmt: skip
    return f"--flagfile={path}"


def _run(program, argv, never, shape, folder):
    """Runs a program as `common.run` does, and judges how it ends."""
    status, said, raised = _ended(program, argv)
    if status:
        lines = said.strip().splitlines()
        fine = len(lines) == 1 and lines[0].startswith("error: ")
        # What has to name all flags of a program is longer.
        if not fine or len(said) > (MOST + 50 if "the flags are" not in said else 2000):
            raise RuntimeError(f"status {status}, {len(lines)} lines: {said[:300]}") from raised
        raise Refused
    require(not never, "a value was taken that none may be")
    for path in folder.rglob("*.npy"):
        x = np.load(path)
        finite(x, (len(x), *shape), "a sample")
    for path in [*folder.glob("run/result.json"), *folder.glob("out/evaluation.json")]:
        result = json.loads(path.read_text())
        for figure in ("nats", "bits_per_dim"):
            finite(result[figure]["mean"], (), figure)


def _ended(program, argv):
    """`(exit status, standard error, what was raised)`."""
    fv, said = flags.FlagValues(), io.StringIO()
    flags.DEFINE_flag(flagfiles.flagfile_flag(), flag_values=fv)
    program.define_flags(fv)
    own = sorted(set(fv) - {"flagfile"})
    flags.DEFINE_boolean("debug", False, "", flag_values=fv)
    with contextlib.redirect_stderr(said):
        try:
            rest = common.parsed(fv, own, [program.__name__, *argv])
            common.checked(program.main, fv, rest)
        except SystemExit as end:
            return end.code, said.getvalue(), end.__context__
    return 0, said.getvalue(), None
