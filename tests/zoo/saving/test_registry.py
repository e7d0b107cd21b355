"""The list of models: where it is looked for, and how it prints."""

import pytest

from tests.helpers import raises_one_line
from zoo.saving import registry, storage

MAF = {
    "manifest": "0" * 64,
    "family": "MAF",
    "dataset": "digits",
    "event_shape": [8, 8, 1],
    "parameters": 1234567,
    "metrics": {"bits_per_dim": {"mean": 2.5, "error": 0.0123}, "nats": None},
    "size": 4_900_000,
}
BARE = {**MAF, "family": "NICE", "dataset": None, "metrics": None, "event_shape": [2]}


def write(root, **models):
    """A folder with an index and no entries."""
    root.mkdir(parents=True)
    storage.write_json(root / registry.INDEX, models=models)
    return root


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """No models but those that a test puts into `tmp_path`, as if the library lay there."""
    monkeypatch.setattr(registry, "__file__", str(tmp_path / "zoo" / "saving" / "registry.py"))
    monkeypatch.delenv("FLOW_ZOO_DIR", raising=False)
    return tmp_path


def test_records(tmp_path):
    bare, maf = registry.list_models(write(tmp_path / "root", maf=MAF, bare=BARE))
    assert (maf.name, maf.family, maf.dataset) == ("maf", "MAF", "digits")
    assert (maf.event_shape, maf.parameters, maf.size) == ((8, 8, 1), 1234567, 4_900_000)
    assert (maf.bits_per_dim, maf.nats) == ((2.5, 0.0123), None)
    assert (bare.name, bare.dataset, bare.bits_per_dim, bare.nats) == ("bare", None, None, None)


def test_prints_as_an_aligned_table(tmp_path):
    table = registry.list_models(write(tmp_path / "root", maf=MAF, bare=BARE))
    lines = str(table).splitlines()
    assert lines[0].split() == list(table.header)
    assert lines[3].split() == "maf MAF digits 8x8x1 1,234,567 2.500 ± 0.012 - - 4.90 MB".split()
    assert len({len(line) for line in lines}) == 1, "rows of one width"
    assert lines[2].index("NICE") == lines[3].index("MAF") == lines[0].index("family")
    assert repr(table) == str(table)
    html = table._repr_html_()
    assert html.count("<tr>") == 3 and "<td>2.500 ± 0.012</td>" in html


def test_published_figures_stand_beside_ours(tmp_path):
    root = write(
        tmp_path / "root",
        glow={**MAF, "family": "Glow", "dataset": "mnist"},
        maf={**MAF, "dataset": "uci_density/power", "event_shape": [6]},
        own={**MAF, "dataset": "mine"},
    )
    glow, maf, own = registry.list_models(root)
    assert glow.cells()[-2] == f"{glow.published[0].bits_per_dim}"
    assert maf.cells()[-2] == f"{maf.published[0].nats}" and len(maf.published) > 1
    assert own.published == () and own.cells()[-2] == "-"
    assert all("arXiv:" in paper.source for paper in (*glow.published, *maf.published))


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (dict(family="maf"), ["a", "b"]),
        (dict(family="MAF", event=(2,)), ["b"]),
        (dict(family="residual_flow"), ["c"]),
        (dict(family="continuous"), ["d"]),
        (dict(dataset="toy2d"), ["b"]),
        (dict(dataset="toy2d/two_moons"), ["b"]),
        (dict(dataset="mnist"), ["c"]),
        (dict(event=[8, 8, 1]), ["a", "d"]),
        (dict(text="fashion residual"), []),
        (dict(text="Residual mni"), ["c"]),
        (dict(text="digits"), ["a", "d"]),
    ],
)
def test_filters(asked, found, tmp_path):
    root = write(
        tmp_path / "root",
        a=MAF,
        b={**MAF, "dataset": "toy2d/two_moons", "event_shape": [2]},
        c={**MAF, "family": "ResidualFlow", "dataset": "mnist", "event_shape": [28, 28, 1]},
        d={**MAF, "family": "ContinuousFlow"},
    )
    assert [model.name for model in registry.list_models(root, **asked)] == found


@pytest.mark.parametrize(
    "asked", [{"family": 3}, {"dataset": 3}, {"text": ["a"]}, {"event": 2}, {"event": "digits"}]
)
def test_filters_that_are_none_are_refused_by_name(asked, tmp_path):
    with raises_one_line(*asked, "must be"):
        registry.list_models(write(tmp_path / "root", a=MAF), **asked)


def test_empty_table_is_its_header(nowhere):
    assert registry.list_models() == []
    assert str(registry.list_models()).splitlines()[0].split() == list(registry.ModelTable.header)


@pytest.mark.parametrize("place", ["exported_models", "zoo/exported_models"])
def test_finds_what_came_with_a_source_tree_or_a_wheel(nowhere, place):
    write(nowhere / place, maf=MAF)
    assert [model.name for model in registry.list_models()] == ["maf"]


def test_own_folder_goes_first(nowhere, monkeypatch):
    write(nowhere / "exported_models", maf=MAF, nice=BARE)
    write(nowhere / "own", maf={**MAF, "parameters": 1})
    monkeypatch.setenv("FLOW_ZOO_DIR", str(nowhere / "own"))
    assert [(m.name, m.parameters) for m in registry.list_models()] == [
        ("maf", 1),
        ("nice", 1234567),
    ]


def test_folder_without_index(tmp_path, monkeypatch):
    with raises_one_line(str(tmp_path), "has no index.json", "update_index"):
        registry.list_models(tmp_path)
    monkeypatch.setenv("FLOW_ZOO_DIR", str(tmp_path / "missing"))
    with raises_one_line("missing", "has no index.json"):
        registry.list_models()
