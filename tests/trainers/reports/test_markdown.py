"""Markdown: tables, and parts of pages filled."""

import pytest

from trainers.reports import markdown


def test_table():
    rows = [["a", "1"], ["b", "22"]]
    expected = "| x | y |\n| --- | ---: |\n| a | 1 |\n| b | 22 |"
    assert markdown.table(rows, ["x", "y"], right=[1]) == expected
    assert markdown.table([], ["x"]) == "| x |\n| --- |"


def test_a_part_is_filled_and_the_rest_stays(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A\n<!-- one: by a program -->\nold\nlines\n<!-- /one -->\nB <!-- x -->\n")
    markdown.fill(page, "one", "new \\1\n")
    expected = "# A\n<!-- one: by a program -->\nnew \\1\n<!-- /one -->\nB <!-- x -->\n"
    assert page.read_text() == expected
    assert markdown.filled(page, "one") == "new \\1" and markdown.filled(page, "two") is None
    markdown.fill(page, "one", "")
    assert markdown.filled(page, "one") == ""
    with pytest.raises(ValueError, match="one part between lines '<!-- two: .*, got 0"):
        markdown.fill(page, "two", "text")
    page.write_text(expected + expected)
    with pytest.raises(ValueError, match="to fill, got 2"):
        markdown.fill(page, "one", "text")
    assert page.read_text() == expected + expected
