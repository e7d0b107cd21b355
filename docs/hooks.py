"""What MkDocs builds the site from: the repository's pages, at the paths they have there.

Links between pages, to pictures and to files thus lead the same way on the site as in a checkout.
Only what a page links to is copied. A linked folder is its README or else a page that lists its
files, a room of the library is its page of the API, and a tutorial's script is its notebook: the
executed one of `build/tutorials`, if `make docs` made it of what the script is now, or the script
without outputs.
"""

import ast
import posixpath
import re
from pathlib import Path

import jupytext
import nbformat
from mkdocs.structure.files import File, Files
from nbconvert import MarkdownExporter

ROOT = Path(__file__).resolve().parents[1]
EXECUTED = ROOT / "build" / "tutorials"
PAGES = (
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/*.md",
    "docs/tutorials/*.md",
    "gallery/README.md",
    "exported_models/*/README.md",
)
TUTORIALS = "docs/tutorials"
# The backend is no place for users.
ROOMS = {path.parent.name for path in ROOT.glob("zoo/*/__init__.py")} - {"backend"}
_LINK = re.compile(r"(?<=\]\()(?!https?:)([^)\s#]+)")


def on_files(files, config):
    """Everything of the site but the theme's files, which stay."""
    pages = {p.relative_to(ROOT).as_posix(): p for g in PAGES for p in sorted(ROOT.glob(g))}
    texts = {name: path.read_text(encoding="utf-8") for name, path in pages.items()}
    texts |= {f"docs/api/{room}.md": api(room) for room in ("zoo", *ROOMS)}
    contents = dict(texts)
    for script in sorted((ROOT / TUTORIALS).glob("*.py")):
        contents |= notebook(script)
    for page, text in texts.items():
        for link in _LINK.findall(text):
            contents |= linked(posixpath.normpath(posixpath.join(posixpath.dirname(page), link)))
    kept = [file for file in files if file.src_dir != config.docs_dir]
    return Files(kept + [_file(config, name, content) for name, content in contents.items()])


def _file(config, name, content):
    if isinstance(content, Path):
        return File.generated(config, name, abs_src_path=str(content))
    return File.generated(config, name, content=content)


def on_page_markdown(markdown, page, config, files):
    """The page with its links to folders, rooms and scripts turned to their pages."""
    here = posixpath.dirname(page.file.src_uri)

    def turned(match):
        target = posixpath.normpath(posixpath.join(here, match[1]))
        return posixpath.relpath(page_of(target), here) if page_of(target) else match[1]

    return _LINK.sub(turned, markdown.replace("<!-- slow -->\n", ""))


def page_of(target):
    """The page that stands for a folder or a script of the repository, or None."""
    folder, _, name = target.rpartition("/")
    if folder == TUTORIALS and name.endswith(".py"):
        return target.removesuffix(".py") + ".md"
    if folder == "zoo" and name in ROOMS:
        return f"docs/api/{name}.md"
    return f"{target}/README.md" if target != "." and (ROOT / target).is_dir() else None


def linked(target):
    """`{name: content}` of what a link needs beside the pages: a file, or a folder's list."""
    path = ROOT / target
    if path.is_file() and path.suffix not in (".md", ".py"):
        return {target: path}
    page = page_of(target)
    if page != f"{target}/README.md" or (ROOT / page).exists():
        return {}
    inside = sorted(p.name for p in path.iterdir() if p.is_file() and p.suffix != ".py")
    lines = "\n".join(f"- [{name}]({name})" for name in inside)
    return {
        page: f"# {target}\n\n{lines}\n",
        **{f"{target}/{name}": path / name for name in inside},
    }


def api(room):
    """A page of what a room's `__init__` names, which mkdocstrings fills from the source."""
    module = "zoo" if room == "zoo" else f"zoo.{room}"
    source = ROOT / module.replace(".", "/") / "__init__.py"
    tree = ast.parse(source.read_text(encoding="utf-8"))
    names = [f"{module}.{node.name}" for node in _public(tree, ast.FunctionDef)]
    for node in _public(tree, ast.ImportFrom):
        names += [f"{node.module}.{alias.name}" for alias in node.names if alias.name != "*"]
    rooms = {f"zoo.{name}" for name in ROOMS}  # Which have pages of their own.
    names = [name for name in names if name not in rooms and not name.endswith("__")]
    if not names:
        names = [f"{module}.{path.stem}" for path in source.parent.glob("[a-z]*.py")]
    names.sort(key=lambda name: name.rpartition(".")[2].casefold())
    lines = [f"# {module}", ast.get_docstring(tree), *(f"::: {name}" for name in names)]
    if room == "zoo":
        lines += ["## Further methods of a flow", *(f"::: {name}" for name in methods())]
    return "\n\n".join(lines) + "\n"


def methods():
    """The methods of `zoo.Flow` that are functions of other files."""
    tree = ast.parse((ROOT / "zoo" / "flow.py").read_text(encoding="utf-8"))
    (flow,) = _public(tree, ast.ClassDef)
    found = [n.value for n in flow.body if isinstance(n, ast.Assign)]
    found = [ast.unparse(value) for value in found if isinstance(value, ast.Attribute)]
    return [f"zoo.{name}" for name in found if name.partition(".")[0] not in ROOMS]


def _public(tree, kind):
    found = [node for node in tree.body if isinstance(node, kind)]
    return [node for node in found if not getattr(node, "name", "").startswith("_")]


def notebook(script):
    """`{name: content}` of a tutorial's page and of its pictures."""
    executed = EXECUTED / f"{script.stem}.ipynb"
    read, fresh = jupytext.read(script), False
    if executed.is_file():
        there = nbformat.read(executed, as_version=4)
        fresh = [cell.source for cell in there.cells] == [cell.source for cell in read.cells]
        read = there if fresh else read
    read.metadata["language_info"] = {"name": "python"}
    for cell in read.cells:
        # What TensorFlow logs of the machine is no part of a tutorial.
        kept = [o for o in cell.get("outputs", ()) if o.get("name") != "stderr"]
        if cell.cell_type == "code":
            cell.outputs = kept
    where = {"output_files_dir": f"{script.stem}_files"}
    text, resources = MarkdownExporter().from_notebook_node(read, resources=where)
    source = f"*This page is the script [{script.name}]({script.name}.txt), run.*"
    if not fresh:
        source = source.replace(", run", "; it was not run for this build")
    pictures = {f"{TUTORIALS}/{n}": data for n, data in resources.get("outputs", {}).items()}
    page = {f"{TUTORIALS}/{script.stem}.md": f"{text}\n\n{source}\n"}
    return page | pictures | {f"{TUTORIALS}/{script.name}.txt": script}
