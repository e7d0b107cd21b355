"""A user's own data: read, looked through, split, and given back with its names."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from trainers import datasets
from trainers.datasets import DatasetError, catalogue, tables


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
        ({"bounds": ["share=0.2..0.9"]}, "values on or beyond its bounds (0.2, 0.9)"),
        ({"splits": ["0.5", "0.2"]}, "three fractions that sum to 1"),
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
    (folder / "dog" / "0.png").write_bytes(b"no image")
    with pytest.raises(DatasetError, match="0.png cannot be read as an image"):
        datasets.load(f"images:{folder}", image_size=[4])


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
