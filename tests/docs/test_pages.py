"""What the pages say is so: tables, links, programs, flags, families."""

import re
import runpy

import pytest

import zoo
from tests.docs import pages
from trainers.reports import markdown
from trainers.runs import options

PARTS = runpy.run_path(str(pages.ROOT / "docs/build.py"))["parts"]()
TEXTS = {pages.name(page): page.read_text(encoding="utf-8") for page in pages.PAGES}


@pytest.mark.parametrize("part", PARTS, ids="-".join)
def test_generated_parts_are_up_to_date(part):
    page, name = part
    assert markdown.filled(pages.ROOT / page, name) == PARTS[part], "run `make tables`"


def test_the_front_page_is_one_page():
    assert len(TEXTS["README.md"].splitlines()) <= 130
    assert (pages.ROOT / "docs/images/front.png").stat().st_size < 200_000


@pytest.mark.parametrize("page", pages.PAGES, ids=pages.name)
def test_links_lead_somewhere(page):
    prose = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if re.match(r"https?:", target):
            continue
        path, _, anchor = target.partition("#")
        there = page.parent / path if path else page
        assert there.exists(), f"{pages.name(page)}: {target}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", there.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w-]", "", h.lower().replace(" ", "-")) for h in headings}
            assert anchor in anchors, f"{pages.name(page)}: {target}"


def test_programs_and_recipes_exist():
    text = "\n".join(TEXTS.values())
    for program in set(re.findall(r"(?:python -m |`)(trainers\.[a-z]+)", text)):
        assert (pages.ROOT / (program.replace(".", "/") + ".py")).is_file(), program
    for recipe in set(re.findall(r"trainers/recipes/[\w-]+\.flags", text)):
        added = "sinh_arcsinh" in recipe  # By CONTRIBUTING, which has a test of its own.
        assert added or (pages.ROOT / recipe).is_file(), recipe


def test_every_flag_of_training_is_in_its_table():
    table = TEXTS["docs/training.md"].partition("by topic")[2].partition("\n## ")[0]
    assert set(re.findall(r"`--(\w+)`", table)) == options.names(options.train_flags)


def test_every_family_is_on_the_front_page():
    table = TEXTS["README.md"].partition("## Which flow")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(?:zoo\.)?(\w+)[`(]", table))
    assert {family.__name__ for family in zoo.MODELS.values()} <= named


def test_tests_that_a_page_names_are_there():
    named = set(re.findall(r"`([\w/]+\.py)::(\w+)`", TEXTS["docs/robustness.md"]))
    assert len(named) > 60
    for file, name in named:
        text = (pages.ROOT / "tests" / file).read_text(encoding="utf-8")
        assert re.search(rf"^def {name}\(", text, re.MULTILINE), f"{file}::{name}"
