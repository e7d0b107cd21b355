"""The built site in a real browser: links, pictures, search, and nothing from other hosts."""

import contextlib
import functools
import http.server
import os
import shutil
import threading
import urllib.parse
from pathlib import Path

import pytest

SITE = Path(os.environ.get("SITE", "")).resolve()
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")

playwright = pytest.importorskip("playwright.sync_api", reason="needs the extra docs")
if not (SITE / "index.html").is_file():
    pytest.skip("SITE= names no built site: run make test-site", allow_module_level=True)
if not CHROMIUM:
    pytest.skip("there is no Chromium; CHROMIUM= names one", allow_module_level=True)

# What a page refers to, where each leads, and which pictures did not come.
_LOOK = """() => ({
  links: [...document.querySelectorAll("a[href]")].map(a => a.href),
  ids: [...document.querySelectorAll("[id]")].map(e => e.id),
  pictures: document.images.length,
  broken: [...document.images].filter(i => !(i.complete && i.naturalWidth)).map(i => i.src),
})"""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextlib.contextmanager
def served(folder):
    """The address of a folder's files."""
    handler = functools.partial(_Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def address():
    with served(SITE) as found:
        yield found


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as p:
        found = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def visits(browser, address):
    """`({address of a page: what is on it}, requests that failed or left the site)`."""
    page, seen, wrong = browser.new_page(), {}, []
    page.on("request", lambda r: r.url.startswith((address, "data:")) or wrong.append(r.url))
    page.on("response", lambda r: r.status < 400 or wrong.append(f"{r.status} {r.url}"))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    for file in sorted(SITE.rglob("*.html")):
        if file.name != "404.html":
            there = file.relative_to(SITE).as_posix().removesuffix("index.html")
            page.goto(address + there, wait_until="load")
            seen[address + there] = page.evaluate(_LOOK)
    page.close()
    return seen, wrong


def test_every_request_is_answered_by_the_site_itself(visits):
    assert visits[1] == []


def test_pictures_load(visits, address):
    seen, _ = visits
    assert {page: look["broken"] for page, look in seen.items() if look["broken"]} == {}
    for page in ("", "docs/gallery/", "docs/benchmarks/", "exported_models/glow-digits/"):
        assert seen[address + page]["pictures"] >= 1, page


def test_no_link_is_broken(visits, address):
    seen, _ = visits
    broken, inside = set(), 0
    for page, look in seen.items():
        for link in look["links"]:
            target, _, anchor = link.partition("#")
            if not target.startswith(address):
                continue
            inside += 1
            path = SITE / urllib.parse.unquote(target.removeprefix(address))
            if not (path.is_file() or (path / "index.html").is_file()):
                broken.add((page, link))
            # A page gives "#__..." a meaning by its script.
            elif anchor and not anchor.startswith("__") and target in seen:
                if urllib.parse.unquote(anchor) not in seen[target]["ids"]:
                    broken.add((page, link))
    assert inside > 1000 and not broken, sorted(broken)[:20]


def test_search_finds_a_family(browser, address):
    page = browser.new_page()
    page.goto(address, wait_until="load")
    page.locator(".md-search__input").click()
    page.locator(".md-search__input").press_sequentially("Glow", delay=20)
    result = page.locator(".md-search-result__link").first
    result.wait_for(timeout=30_000)
    found = page.locator(".md-search-result__link").all()
    places = [link.get_attribute("href") for link in found]
    assert any("docs/api/models" in place for place in places), places
    assert "glow" in " ".join(link.inner_text() for link in found).lower()
    page.close()


def test_tutorials_show_what_they_print(visits, browser, address):
    """Where `make docs` ran them, that is; a build without outputs says so on the page."""
    scripts = (Path(__file__).resolve().parents[2] / "docs" / "tutorials").glob("*.py")
    page = browser.new_page()
    for script in scripts:
        page.goto(f"{address}docs/tutorials/{script.stem}/")
        text = page.locator("article").inner_text()
        assert "# %%" not in text and "import zoo" in text
        if "it was not run for this build" not in text:
            assert page.locator("article pre").count() > text.count("import zoo") + 1
    page.close()
