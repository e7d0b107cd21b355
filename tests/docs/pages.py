"""The pages, and the blocks of code in them."""

import dataclasses
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES.append(ROOT / "docs" / "tutorials" / "README.md")
_BLOCK = re.compile(
    r"^(?P<slow><!-- slow -->\n)?```(?P<language>\w*)\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE
)


@dataclasses.dataclass(frozen=True)
class Block:
    """A fenced block of a page: `slow` where `<!-- slow -->` stands before it."""

    language: str
    code: str
    slow: bool
    where: str


def name(page):
    """A page's path within the repository."""
    return page.relative_to(ROOT).as_posix()


def blocks(page):
    """The blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(text):
        line = text.count("\n", 0, found.start("code"))
        where = f"{name(page)}:{line + 1}"
        yield Block(found["language"], found["code"], bool(found["slow"]), where)
