"""A user's own data: read, looked through, split, and given back with its names."""

import decimal
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests import helpers
from trainers import datasets
from trainers.datasets import DatasetError, catalogue, kept, tables
from trainers.runs import entries


def table(n=200):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"height": rng.normal(170, 10, n), "income": rng.lognormal(10, 1, n)})
    frame["share"] = rng.uniform(0.1, 0.9, n)
    frame["feet"] = frame["height"] / 30.48
    frame["city"] = rng.choice(["Rome", "Oslo"], n)
    frame["rooms"] = rng.integers(1, 5, n)
    frame["one"] = 1.0
    frame["when"] = 1.6e9 + np.arange(n)
    frame["member"] = rng.uniform(size=n) < 0.5
    return frame


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "people.csv"
    table().to_csv(path, index=False)
    return path


def test_columns_that_no_density_can_be_had_of_are_left_out_with_a_word(csv):
    data = datasets.load(f"csv:{csv}")
    assert data.input_names == ("height", "income", "share")
    assert data.event_shape == (3,) and data.levels is data.num_classes is data.bounds is None
    why = data.about["left_out"]
    assert why["city"] == "text, of 2 values" and why["one"] == "constant, 1.0"
    assert why["feet"] == "a duplicate of 'height', up to shift and scale"
    assert why["rooms"].startswith("categorical, integers of 4 values")
    assert why["when"].startswith("of numbers that float32 cannot tell apart")
    assert why["member"] == "categorical, of 2 values"
    assert any(line.startswith("left out: city, text") for line in data.words)
    assert "split: 160 train, 20 validation, 20 test rows, drawn with seed 0" in data.words[-1]


def test_units_are_those_of_the_file_and_splits_have_every_row_once(csv):
    data = datasets.load(f"csv:{csv}", columns=["income", "height"], bounds=["income=log"])
    assert data.input_names == ("income", "height") and data.bounds == ["log", None]
    parts = [data.numpy(split) for split in ("train", "validation", "test")]
    heights = np.sort(np.concatenate(parts)[:, 1])
    np.testing.assert_allclose(heights, np.sort(table()["height"]), rtol=1e-6)
    shift, scale = data.standardize
    assert shift[1] == pytest.approx(parts[0][:, 1].mean()) and scale[1] == pytest.approx(10, 0.2)
    assert scale[0] == pytest.approx(np.exp(np.log(parts[0][:, 0]).mean()), rel=1e-4)
    again = datasets.load(f"csv:{csv}", known=data.about)
    assert again.input_names == data.input_names and again.bounds == ["log", None]
    np.testing.assert_array_equal(again.numpy("test"), parts[2])
    other = datasets.load(f"csv:{csv}", known=data.about, splits=["0.5", "0.2", "0.3"])
    assert other.num_examples("test") == 60


def test_labels_and_batches(csv):
    data = datasets.load(f"csv:{csv}", label="city")
    assert data.classes == ["Oslo", "Rome"] and data.num_classes == 2
    x, labels = data.numpy("train", labels=True)
    assert x.dtype == np.float32 and labels.dtype == np.int32 and set(labels) == {0, 1}
    batch, label = next(iter(data.batches("train", 32, shuffle=True, seed=0, labels=True)))
    assert batch.shape == (32, 3) and label.shape == (32,)
    frame = data.frame(x[:4], labels[:4])
    assert list(frame) == ["height", "income", "share", "city"]
    assert list(frame["city"]) == [data.classes[i] for i in labels[:4]]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"columns": ["hight"]}, "no column 'hight' (did you mean 'height'?)"),
        ({"columns": ["city", "height"]}, "column 'city' is text, of 2 values; leave it out"),
        ({"columns": ["one"]}, "column 'one' is constant"),
        ({"columns": ["height", "feet"]}, "'feet' is a duplicate of 'height'"),
        ({"label": "height"}, "has 200 values, where classes are expected"),
        ({"label": "cty"}, "(did you mean 'city'?)"),
        ({"bounds": ["incme=0.."]}, "(did you mean 'income'?)"),
        ({"bounds": ["income=positive"]}, "bounds must be as in income=0.."),
        ({"bounds": ["income=..1e999"]}, "with low < high and None for an open end"),
        ({"columns": ["height", "height"]}, "'height' is to be modelled, and is named twice"),
        ({"bounds": ["share=0.2..0.9"]}, "values on or beyond its bounds (0.2, 0.9)"),
        ({"splits": ["0.5", "0.2"]}, "three fractions that sum to 1"),
        ({"splits": ["0.8", "nan", "0.2"]}, "three fractions that sum to 1"),
        ({"splits": ["city"]}, "must say train, validation or test of each row, got 'oslo'"),
        ({"image_size": ["3"]}, "image_size is for images"),
        ({"binarize": "static"}, "binarize is for images"),
    ],
)
def test_what_is_refused(csv, changes, words):
    with pytest.raises(DatasetError) as caught:
        datasets.load(f"csv:{csv}", **changes)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_missing_values(tmp_path):
    frame = table()
    frame.loc[[3, 9], "income"] = np.nan
    frame.loc[9, "share"] = np.inf
    frame["none"] = np.nan
    with pytest.raises(DatasetError, match=r"in 2 of 200 rows, in income \(2\), share \(1\), .* 3"):
        datasets.from_dataframe(frame)
    data = datasets.from_dataframe(frame, drop_missing=True)
    assert sum(data.num_examples(s) for s in ("train", "validation", "test")) == 198
    assert any("dropped: 2 rows" in line for line in data.words)
    assert data.about["left_out"]["none"] == "empty"


def test_a_column_says_the_split_and_parquet_is_read(tmp_path):
    frame = table(40)
    frame["part"] = ["train"] * 30 + ["test"] * 10
    frame.to_parquet(tmp_path / "people.parquet")
    data = datasets.load(f"parquet:{tmp_path / 'people.parquet'}", splits=["part"])
    assert [data.num_examples(s) for s in ("train", "validation", "test")] == [27, 3, 10]
    np.testing.assert_allclose(data.numpy("test")[:, 0], frame["height"][30:], rtol=1e-6)
    assert "part" not in data.input_names and "by column part" in data.words[-1]


def test_arrays(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 3)), rng.integers(0, 2, 50)
    np.savez(tmp_path / "a.npz", x=x, y=y)
    data = datasets.load(f"npz:{tmp_path / 'a.npz'}", columns=["x"], label="y")
    assert data.input_names == ("x[0]", "x[1]", "x[2]") and data.num_classes == 2
    images = rng.integers(0, 256, (60, 4, 4), dtype=np.uint8)
    np.savez(tmp_path / "b.npz", x_train=images[:50], x_test=images[50:], y_train=y, y_test=y[:10])
    data = datasets.load(f"npz:{tmp_path / 'b.npz'}", label="y", levels=8)
    assert (data.event_shape, data.levels, data.num_classes) == ((4, 4, 1), 8, 2)
    np.testing.assert_array_equal(data.numpy("test")[..., 0], images[50:] // 32)


def test_which_arrays_of_a_file_are_meant(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2, 50, 4, 4), dtype=np.uint8)
    path = tmp_path / "a.npz"
    np.savez(path, a=images[0], b=images[1], features=rng.normal(size=(50, 2)))
    data = datasets.load(f"npz:{path}", columns=["b"])
    again = datasets.load(f"npz:{path}", known=data.about)
    np.testing.assert_array_equal(again.numpy("test"), data.numpy("test"))
    assert any((data.numpy("test")[0, ..., 0] == image).all() for image in images[1])
    data = datasets.load(f"npz:{path}", columns=["features"])
    again = datasets.load(f"npz:{path}", known=data.about)
    assert again.input_names == data.input_names == ("features[0]", "features[1]")
    for changes, words in [
        ({"columns": ["a", "b"]}, "must be one array of images"),
        ({"columns": ["c"]}, "no column 'c'"),
        ({"label": "b"}, "must be one value an image"),
    ]:
        with pytest.raises(DatasetError, match=words):
            datasets.load(f"npz:{path}", **changes)
    np.savez(path, x_train=np.zeros((5, 3)), x_test=np.zeros((5, 2)))
    with pytest.raises(DatasetError, match="events of one shape"):
        datasets.load(f"npz:{path}")
    np.savez(path, x=np.zeros((5, 0, 3), np.uint8))
    with pytest.raises(DatasetError, match="has no pixels"):
        datasets.load(f"npz:{path}")


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for kind in ("cat", "dog"):
        (tmp_path / "pets" / kind).mkdir(parents=True)
        for i in range(10):
            pixels = rng.integers(0, 256, (6, 5 + i % 2, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pets" / kind / f"{i}.png")
    return tmp_path / "pets"


def test_images_of_a_folder(folder):
    with pytest.raises(DatasetError, match=r"varying size \(5 x 6, 6 x 6\)"):
        datasets.load(f"images:{folder}")
    data = datasets.load(f"images:{folder}", image_size=[4], levels=32)
    assert (data.event_shape, data.levels, data.classes) == ((4, 4, 3), 32, ["cat", "dog"])
    x, labels = data.numpy("train", labels=True)
    assert x.dtype == np.uint8 and x.shape == (16, 4, 4, 3) and x.max() < 32
    assert set(labels) == {0, 1}
    again = datasets.load(f"images:{folder}", image_size=[4], levels=32, known=data.about)
    np.testing.assert_array_equal(again.numpy("test"), data.numpy("test"))
    black = datasets.load(f"images:{folder}", image_size=[4], binarize="static")
    assert black.levels == 2 and set(np.unique(black.numpy("test"))) == {0, 1}
    with pytest.raises(DatasetError, match="levels must divide .* got 0"):
        datasets.load(f"images:{folder}", image_size=[4], levels=0)


@pytest.mark.parametrize("damage", ["foreign", "cut", "16 bits"])
def test_images_that_cannot_be_read_are_named(folder, damage):
    path = folder / "dog" / "0.png"
    if damage == "16 bits":
        Image.fromarray(np.full((6, 5), 3000, np.uint16)).save(path)
    else:
        path.write_bytes(b"no image" if damage == "foreign" else path.read_bytes()[:-40])
    words = "mode I;16 into 8 bits first" if damage == "16 bits" else ""
    with pytest.raises(DatasetError, match=f"0.png cannot be read as an image.*{words}"):
        datasets.load(f"images:{folder}", image_size=[4])


def test_rows_for_test_are_those_of_validation_where_none_are_left(csv):
    data = datasets.load(f"csv:{csv}", splits=["0.9", "0.1", "0"])
    np.testing.assert_array_equal(data.numpy("test"), data.numpy("validation"))
    assert "20 validation, 20 test rows, test being validation" in data.words[-1]


def test_what_is_no_table_or_choice_of_one_is_refused():
    frame = table()
    for given, words in [
        ({"frame": frame["height"]}, "expected a pandas.DataFrame, got Series"),
        ({"splits": 5}, "three fractions"),
        ({"split_seed": -1}, "split_seed must be an integer from 0"),
        ({"split_seed": None}, "split_seed must be an integer from 0"),
        ({"bounds": {"height": 5}}, "column 'height' must have"),
        ({"bounds": 3}, "bounds must be a dictionary"),
        ({"label": ["city"]}, "no column"),
    ]:
        with pytest.raises(DatasetError, match=words):
            datasets.from_dataframe(**{"frame": frame} | given)
    data = datasets.from_dataframe(
        frame, columns="height", bounds={"height": (np.float32(0), None)}
    )
    assert json.loads(json.dumps(data.about))["bounds"] == {"height": [0.0, None]}
    for x, labels in [(np.zeros(1), None), (np.zeros((2, 3)), None)]:
        with pytest.raises(DatasetError, match=r"rows of shape \[n, 1\]"):
            data.frame(x, labels)
    data = datasets.from_dataframe(frame, label="city")
    for labels in ([0, 2], [0, -1], [0], [0.5, 0]):
        with pytest.raises(DatasetError, match="2 integers from 0 to 1"):
            data.frame(np.zeros((2, 3)), labels)


def test_columns_of_a_flow_keep_their_places(csv):
    columns = ["share", "income", "height"]
    known = datasets.load(f"csv:{csv}", columns=columns).about
    again = datasets.load(f"csv:{csv}", known=known, columns=columns)
    assert again.about["columns"] == columns
    with helpers.raises_one_line("'height' has another place", "share,income,height"):
        datasets.load(f"csv:{csv}", known=known, columns=sorted(columns))


@pytest.mark.parametrize("content", [b"no zip", b"\x80\x04K\x01."])
def test_a_file_that_is_no_npz_is_told_without_advice(tmp_path, content):
    (tmp_path / "x.npz").write_bytes(content)
    with helpers.raises_one_line("x.npz cannot be read as npz: it is no array of numbers") as told:
        datasets.load(f"npz:{tmp_path / 'x.npz'}")
    assert "allow_pickle" not in str(told.value)


def test_columns_of_objects_and_numbers_beyond_float32():
    frame = table()
    frame["list"] = [[1, 2]] * len(frame)
    frame["money"] = [decimal.Decimal(str(x)) for x in frame["height"]]
    why = datasets.from_dataframe(frame).about["left_out"]
    assert why["list"] == "of objects (list): turn it into numbers first"
    assert why["money"] == "of objects (Decimal): turn it into real numbers first"
    frame.loc[3, "income"] = 1e39
    with pytest.raises(DatasetError, match=r"infinite values in 1 of 200 rows, in income \(1\)"):
        datasets.from_dataframe(frame)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("columns", "height"),
        ("columns", []),
        ("classes", 7),
        ("bounds", {"height": 3}),
        ("bounds", [3]),
        ("splits", {}),
        ("splits", {"fractions": 3, "seed": 0}),
        ("splits", {"fractions": [1.0, 0.0, 0.0], "seed": "x"}),
        ("left_out", {"a": None}),
    ],
)
def test_what_a_manifest_keeps_of_data_has_a_checked_form(tmp_path, csv, key, value):
    about = datasets.load(f"csv:{csv}").about
    assert kept.from_manifest(json.loads(json.dumps(about))) == about
    manifest = {"metadata": {"own_data": {**about, key: value}}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(DatasetError, match="what was kept of the data"):
        entries.about_data(str(tmp_path))
    with pytest.raises(DatasetError, match="lacks 'label'"):
        kept.from_manifest({k: v for k, v in about.items() if k != "label"})


def test_bounds_of_a_table_of_tfds(data_dir):
    data = datasets.load("zoo_table", data_dir, bounds=["b=0.."])
    assert data.bounds == [None, None, [0.0, None], None]
    with pytest.raises(DatasetError, match="columns is for data of your own"):
        datasets.load("zoo_table", data_dir, columns=["b"])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("digts", "did you mean 'digits'?"),
        ("fashion_mnst", "did you mean 'fashion_mnist'?"),
        ("csv:/none/people.csv", "there is no such file"),
        ("images:/none", "there is no such folder"),
    ],
)
def test_names_are_looked_at_without_tensorflow(name, words, tmp_path):
    with pytest.raises(DatasetError) as caught:
        catalogue.check(name, tmp_path)
    assert words in str(caught.value) and "\n" not in str(caught.value)
    for known in ("digits", "rings", "toy2d/rings", "uci_density/power", "mnist", "celeb_a"):
        catalogue.check(known, tmp_path)


def test_a_near_name_of_a_file_is_told(csv):
    with pytest.raises(DatasetError, match="did you mean 'people.csv'"):
        catalogue.check(f"csv:{csv.parent}/peple.csv")


@pytest.mark.parametrize("text", ["1,2\n3,4\n", "", "a,b\n"])
def test_files_that_are_no_tables(tmp_path, text):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(DatasetError, match="numbers, where names|cannot be read|no rows"):
        tables.load("csv", str(path))
