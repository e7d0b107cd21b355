"""Files written whole or not at all, and what tells that one was changed."""

import json
from pathlib import Path

import pytest

import zoo
from tests.helpers import raises_one_line
from zoo.saving import storage


def test_staging_leaves_nothing_behind_when_it_fails(tmp_path):
    with pytest.raises(RuntimeError):
        with storage.staging_beside(tmp_path / "entry") as staging:
            (staging / "half").write_text("x")
            raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_staging_says_in_one_line_that_the_disk_refuses(tmp_path):
    (tmp_path / "file").write_text("x")
    with raises_one_line("entry", "cannot be written"):
        with storage.staging_beside(tmp_path / "file" / "entry"):
            pass


def test_replace_folder_puts_the_old_one_back_when_it_fails(tmp_path):
    folder = tmp_path / "entry"
    folder.mkdir()
    (folder / "old").write_text("x")
    with pytest.raises(OSError):
        storage.replace_folder(tmp_path / "missing", folder)
    assert [p.name for p in tmp_path.iterdir()] == ["entry"]
    assert [p.name for p in folder.iterdir()] == ["old"]


def test_check_free(tmp_path):
    folder, file = tmp_path / "folder", tmp_path / "file"
    assert not storage.check_free(folder)
    folder.mkdir()
    assert not storage.check_free(folder)
    file.write_text("x")
    with raises_one_line("file", "is a file"):
        storage.check_free(file)
    with raises_one_line(str(tmp_path), "already holds something"):
        storage.check_free(tmp_path)
    assert storage.check_free(tmp_path, overwrite=True)


def test_list_files_goes_deep_and_passes_over_hidden_files(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / ".git").mkdir()
    for name in ("a", "b", ".hidden", "sub/c", ".git/d"):
        (tmp_path / name).write_bytes(b"abc")
    listed = storage.list_files(tmp_path, leave_out=("b",))
    assert sorted(listed) == ["a", "sub/c"]
    # The SHA-256 of "abc" is the first test vector of FIPS 180-2.
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert listed["a"] == {"size": 3, "sha256": digest}
    storage.check_file(tmp_path / "a", listed["a"])


def test_check_file_tells_file_and_both_hashes(tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"abc")
    recorded = {"sha256": storage.sha256(file), "size": 3}
    file.write_bytes(b"abcd")
    with raises_one_line(str(file), recorded["sha256"], storage.sha256(file), "write it again"):
        storage.check_file(file, recorded)
    file.unlink()
    with raises_one_line(str(file), "missing"):
        storage.check_file(file, recorded)


@pytest.mark.parametrize("text", ["", '{"format": 1, "a": ', "[]", "{}", '{"format": 1}', "\udcff"])
def test_read_json_refuses_what_is_no_file_of_ours(tmp_path, text):
    file = tmp_path / "a.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with raises_one_line(str(file), "truncated or altered"):
        storage.read_json(file, a=int)


def test_read_json_tells_a_newer_version(tmp_path):
    file = tmp_path / "a.json"
    file.write_text(json.dumps({"format": storage.FORMAT + 1}))
    with raises_one_line(str(file), "newer Flow Zoo", f"found {storage.FORMAT + 1}", "install"):
        storage.read_json(file, a=int)


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, Path("x")])
def test_write_json_refuses_what_json_cannot_hold(tmp_path, value):
    file = tmp_path / "a.json"
    storage.write_json(file, a=1)
    with raises_one_line("a.json", "cannot hold"):
        storage.write_json(file, a=value)
    assert storage.read_json(file, a=int) == {"a": 1}
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("call", [zoo.load, zoo.load_exported, zoo.list_models])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("~nouser/x", ["'~nouser/x'", "home directory"]),
        ("a\0b", ["cannot be used", "null byte"]),
        ("x" * 300, ["cannot be used", "too long"]),
        ("", ["must be the name of a file or folder"]),
        (5, ["must be the name of a file or folder", "5"]),
        (b"x", ["must be the name of a file or folder"]),
    ],
)
def test_names_that_are_no_path(call, name, words):
    with raises_one_line(*words):
        call(name)
