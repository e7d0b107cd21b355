"""Damaged files: bits flipped, parts cut or moved, structures of zip and JSON of another kind."""

import copy
import json
import shutil
import struct
import zipfile

import numpy as np

import zoo
from tests.fuzz.oracle import finite, require
from trainers import compare
from trainers.runs import checkpoints, flagfiles, folders, results

# What JSON may hold in the place of anything else.
ODD = [
    None, [], {}, "", "x" * 1000, "a\nb", -1, 0, 2**70, 1e308, float("nan"), float("inf"), True,
    "../../../outside", "/etc/passwd", "~nouser/x", "\0", [[]], [None], {"a": {}}, "é", 10**400,
    {"class_name": "Lambda", "module": "keras.layers", "config": {}, "registered_name": None},
    {"class_name": "TextVectorization", "module": "keras.layers", "registered_name": None,
     "config": {"vocabulary": "/etc/passwd"}},
    {"class_name": "function", "module": "builtins", "config": "eval", "registered_name": None},
    {"tfp": "__loader__.set_data", "path": "../outside", "data": "x"},
    {"class_name": "__tensor__", "config": {"value": [[1.0], ["a"]], "dtype": "float32"}},
    {"class_name": "__numpy__", "config": {"value": [1e39, 2.0], "dtype": "float32"}},
]  # fmt: skip


def draw(random, folder, made):
    """`(what it is, a function that runs it)`."""
    kinds = {
        _entry: 8, _alone: 5, _configuration: 10, _numbers: 4, _checkpoint: 8, _records: 6,
        _exported: 4,
    }  # fmt: skip
    kind = random.choices(list(kinds), list(kinds.values()))[0]
    what, case = kind(random, folder, made)
    return f"{kind.__name__[1:]}: {what}", case


# Damage.


def damaged(random, data):
    """`(bytes, what was done to them)`."""
    kind = random.choice(["flip", "flip", "flips", "cut", "zeros", "inserted", "swapped", "end"])
    data, n = bytearray(data), len(data)
    at = random.randrange(n)
    if kind == "cut":
        return bytes(data[:at]), f"cut at {at}"
    if kind == "zeros":
        data[at : at + 64] = bytes(len(data[at : at + 64]))
    elif kind == "inserted":
        data[at:at] = random.randbytes(random.choice([1, 100]))
    elif kind == "swapped":
        other = random.randrange(n)
        data[at : at + 32], data[other : other + 32] = data[other : other + 32], data[at : at + 32]
    elif kind == "end":
        data += random.randbytes(50)
    for _ in range({"flip": 1, "flips": 8}.get(kind, 0)):
        data[random.randrange(n)] ^= 1 << random.randrange(8)
    return bytes(data), f"{kind} at {at}"


def structure(random, data):
    """The same of a zip archive, in the records of its structure."""
    heads = [
        i for i in range(len(data) - 4) if data[i : i + 4] in (b"PK\1\2", b"PK\3\4", b"PK\5\6")
    ]
    at = random.choice(heads) + random.randrange(4, 46)
    data = bytearray(data)
    for i in range(at, min(at + random.choice([1, 1, 2, 4]), len(data))):
        data[i] = random.choice([0, 0xFF, data[i] ^ (1 << random.randrange(8))])
    return bytes(data), f"structure at {at}"


def changed(random, value):
    """JSON data with one part of another kind, and where."""
    value = copy.deepcopy(value)
    places = []

    def walk(node, where):
        for key in node if isinstance(node, dict) else range(len(node)):
            places.append((node, key, f"{where}/{key}"))
            if isinstance(node[key], dict | list):
                walk(node[key], f"{where}/{key}")

    walk(value, "")
    node, key, where = random.choice(places)
    if random.random() < 0.15:
        del node[key]
        return value, f"{where} left out"
    if isinstance(node, dict) and random.random() < 0.1:
        other = random.choice(["../x", "", "a/b", "\0", "x" * 300])
        node[other] = node.pop(key)
        return value, f"{where} called {other[:9]!r}"
    if isinstance(node[key], int | float) and random.random() < 0.4:
        node[key] = random.choice([-1, 0, 1, 3, 1000, 10**7, 10**12, 0.5, node[key] + 1])
    else:
        node[key] = random.choice(ODD)
    if random.random() < 0.03:
        for _ in range(200):
            node[key] = [node[key]]
    return value, f"{where} = {str(node[key])[:60]}"


def _rewrite(random, path):
    """Damages a file in one of these ways; returns how."""
    if path.suffix == ".json" and random.random() < 0.6:
        value, what = changed(random, json.loads(path.read_text()))
        path.write_text(json.dumps(value))
    else:
        zipped = path.suffix in (".keras", ".npz") and random.random() < 0.5
        data, what = (structure if zipped else damaged)(random, path.read_bytes())
        path.write_bytes(data)
    return f"{path.name} {what}"


# Flows.


def _the_same(made, flow):
    x, expected = made.known
    require(isinstance(flow, zoo.Flow), f"loaded a {type(flow).__name__}")
    require(
        np.allclose(flow.log_prob(x, [0, 1, 2], seed=0), expected, atol=1e-5), "another density"
    )


def _works(flow):
    """A flow of another configuration is one all the same."""
    require(isinstance(flow, zoo.Flow), f"loaded a {type(flow).__name__}")
    context = None
    if flow.conditional:
        context = 0 if flow.num_classes else np.zeros(flow.context_shape, "float32")
    x = flow.sample(2, context=context, seed=0)
    finite(x, (2, *flow.event_shape), "sample")
    require(not np.isnan(flow.log_prob(x, context, seed=0)).any(), "log_prob is NaN")


def _entry(random, folder, made):
    shutil.copytree(made.entry.parent, folder / "zoo")
    entry = folder / "zoo" / made.entry.name
    path = random.choice(
        [entry / "manifest.json", folder / "zoo/index.json", entry / "model.keras"]
    )
    what = _rewrite(random, path)
    way = random.choice(["load", "load", "list", "update", "seal"])

    def case():
        if way == "list":
            str(zoo.list_models(folder / "zoo"))
        elif way == "update":
            zoo.saving.update_index(folder / "zoo")
        elif way == "seal":
            zoo.saving.seal(entry)
        else:
            _the_same(made, zoo.load(entry))

    return f"{way} {what}", case


def _alone(random, folder, made):
    path = folder / "x.keras"
    shutil.copy(made.entry / "model.keras", path)
    what = _rewrite(random, path)
    return what, lambda: _the_same(made, zoo.load(path))


def repacked(source, path, **members):
    """A .keras file with members of another content, and checksums that are right."""
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(path, "w") as other:
        for name in archive.namelist():
            other.writestr(name, members.get(name.split(".")[0], archive.read(name)))


def _configuration(random, folder, made):
    source, path = made.entry / "model.keras", folder / "x.keras"
    with zipfile.ZipFile(source) as archive:
        config = json.loads(archive.read("config.json"))
    whats = []
    for _ in range(random.choice([1, 1, 1, 2])):
        config, what = changed(random, config)
        whats.append(what)
    repacked(source, path, config=json.dumps(config))
    return ", ".join(whats), lambda: _works(zoo.load(path))


def _numbers(random, folder, made):
    source, path = made.entry / "model.keras", folder / "x.keras"
    with zipfile.ZipFile(source) as archive:
        weights, what = damaged(random, archive.read("model.weights.h5"))
    if random.random() < 0.3:
        places = [i for i in range(0, len(weights) - 4, 4)]
        weights = bytearray(weights)
        at = random.choice(places)
        weights[at : at + 4] = struct.pack("<f", float("nan"))
        weights, what = bytes(weights), f"NaN at {at}"
    repacked(source, path, model=weights)
    return what, lambda: _works(zoo.load(path))


def _exported(random, folder, made):
    copied = made.copy("exported", folder)
    names = ["assets.extra/flow_zoo.json"] * 4 + ["saved_model.pb", "variables/variables.index"]
    what = _rewrite(random, copied / random.choice(names))

    def case():
        flow = zoo.load_exported(copied)
        x, expected = made.known
        require(flow.event_shape == (2, 2, 1), f"event_shape is {flow.event_shape}")
        given = flow.condition([0, 1, 2])
        require(
            np.allclose(
                given.log_prob(x, seed=0), made.loaded.condition([0, 1, 2]).log_prob(x, seed=0)
            ),
            "another density",
        )
        finite(given.sample(2, seed=0), (2, 3, 2, 2, 1), "sample")

    return what, case


# Runs.


def _checkpoint(random, folder, made):
    run = made.copy("plane_run", folder)
    whole = checkpoints.Checkpoints(run / "checkpoints")
    newest, before = [checkpoints.read(path) for path in whole.paths().values()]
    path = next(iter(whole.paths().values()))
    what = _rewrite(random, path)
    if random.random() < 0.2:
        arrays, meta = newest
        bad = random.choice(ODD)
        where = random.choice(["epoch", "batch", "seconds", "arrays", "step"])
        what = f"meta {where} = {str(bad)[:40]}"
        members = {f"v{i}": a for i, a in enumerate(arrays)}
        np.savez(
            path, meta=np.array(json.dumps({**meta, "arrays": len(arrays), where: bad})), **members
        )

    def case():
        told = []
        arrays, meta = whole.latest(told.append, _fits(newest[0]))
        require(arrays is not None, "no checkpoint was found")
        require(all(len(t) < 600 and "\n" not in t for t in told), f"told {told}")
        expected = before if told else newest
        same = (
            all(map(np.array_equal, arrays, expected[0])) and meta["epoch"] == expected[1]["epoch"]
        )
        require(same and len(arrays) == len(expected[0]), "other arrays than were written")

    return what, case


def _fits(arrays):
    """What training asks of a checkpoint."""
    from trainers.runs.callbacks import require_fitting

    def check(found, meta):
        require_fitting(found, arrays)
        if not 0 <= meta["batch"] < 2:
            raise ValueError("batch")

    return check


def _records(random, folder, made):
    run = made.copy("plane_run", folder)
    name = random.choice(
        ["flags.txt", "metrics.jsonl", "result.json", "result.json", "history.json"]
    )
    (run / "history.json").write_text('{"pieces": [{"of": "a", "epochs": 3}]}')
    path = run / name
    if name == "metrics.jsonl" and random.random() < 0.6:
        lines = path.read_text().splitlines()
        i = random.randrange(len(lines))
        value, what = changed(random, json.loads(lines[i]))
        lines[i], what = json.dumps(value), f"line {i} {what}"
        path.write_text("\n".join(lines) + "\n")
    else:
        what = _rewrite(random, path)

    def case():
        options = flagfiles.of_run(run / "flags.txt")
        folders.Run(run, options, writes=False)
        for line in folders.read_metrics(run):
            finite([line["epoch"], line["step"], line["seconds"]], (3,), "a line")
        results.course(run)
        results.history(run)
        result = folders.read_result(run)
        for figure in ("nats", "bits_per_dim"):
            error = result[figure]["error"]
            finite([result[figure]["mean"], 0 if error is None else error], (2,), figure)
        compare.table([compare.read(run)], "MAF")

    return f"{name} {what}", case
