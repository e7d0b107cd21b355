"""Markdown that programs write: tables, and the parts of a page that are filled by a program."""

import re
from pathlib import Path

from trainers.runs import common


def table(rows, header, right=()):
    """A table.

    Args:
        rows: Rows of text.
        header: Names of the columns.
        right: Numbers of the columns to align to the right, from 0.
    """
    rule = ["---:" if column in right else "---" for column in range(len(header))]
    return "\n".join("| " + " | ".join(line) + " |" for line in (header, rule, *rows))


def fill(path, name, text):
    """Puts text between the lines `<!-- name: ... -->` and `<!-- /name -->` of a page.

    Args:
        path: The page.
        name: Of the part; what follows the colon in the page says how it is made.
        text: What takes the place of what stood there.

    Raises:
        ValueError: The page has no such part, or more than one.
    """
    page = Path(path).read_text(encoding="utf-8")
    filled, count = _part(name).subn(lambda found: f"{found[1]}\n{text.strip()}\n{found[3]}", page)
    if count != 1:
        raise ValueError(
            f"{path} must have one part between lines '<!-- {name}: ... -->' and "
            f"'<!-- /{name} -->' to fill, got {count}"
        )
    common.write_text(path, filled)


def filled(path, name):
    """What stands between the marks of a part of a page, or None where it has no such part."""
    found = _part(name).search(Path(path).read_text(encoding="utf-8"))
    return found and found[2].strip()


def _part(name):
    name = re.escape(name)
    return re.compile(rf"(<!-- {name}:[^>]*-->)\n(.*?)(<!-- /{name} -->)", re.DOTALL)
