"""What the README says is so."""

import re
from pathlib import Path

import zoo
from trainers import compare, gallery_pages, markdown

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_table_of_models_is_that_of_the_index():
    table = re.search(r"<!-- models:[^>]*-->\n(.*?)\n<!-- /models -->", README, re.DOTALL)[1]
    expected = zoo.list_models(ROOT / "exported_models").to_markdown()
    assert table == expected, f"README.md should have this table:\n{expected}"


def test_programs_and_recipes_exist():
    programs = set(re.findall(r"python -m (trainers\.\w+)", README))
    assert {"trainers.train", "trainers.evaluate", "trainers.sample"} <= programs
    for program in programs:
        assert (ROOT / (program.replace(".", "/") + ".py")).is_file(), program
    for recipe in re.findall(r"trainers/recipes/[\w-]+\.flags", README):
        assert (ROOT / recipe).is_file(), recipe


def test_every_family_is_listed():
    listed = set(re.findall(r"^\| `zoo\.(\w+)`", README, re.MULTILINE))
    assert listed == {family.__name__ for family in zoo.MODELS.values()}


def test_table_of_digits_is_that_of_the_entries():
    entries = [compare.read(folder) for folder in (ROOT / "exported_models").iterdir()]
    expected = compare.table([flow for flow in entries if flow and flow["dataset"] == "digits"])
    assert markdown.filled(ROOT / "README.md", "digits") == expected


def test_gallery_is_the_one_that_was_made():
    part = markdown.filled(ROOT / "README.md", "gallery")
    if not (ROOT / "gallery" / "summary.md").is_file():
        assert part is None
        return
    assert part == gallery_pages.section(ROOT / "gallery", ROOT / "README.md")
    assert (ROOT / "gallery" / "gallery.png").stat().st_size < 1.5e6
