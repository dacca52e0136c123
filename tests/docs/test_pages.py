"""The README and the documentation: lengths, links, paths, blocks, and the site built from them."""

import re
import subprocess
import sys

import pytest
import yaml
from pages import FENCE, PAGES, ROOT, blocks

LINK = re.compile(r"\]\(([^)\s]+)\)")
NAMED_PATH = re.compile(r"`((?:src/grd|config|workflow|tests|envs)/[\w./-]+?)/?`")
EXAMPLES = {"config/splits/mine.yaml", "src/grd/reporting/tables/table7.py", "workflow/report/table7.rst"}


def prose(page):
    return FENCE.sub("", page.read_text())


def anchors(page):
    """The ids that GitHub and mkdocs give to the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\s-]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_the_readme_has_at_most_900_words():
    assert len((ROOT / "README.md").read_text().split()) <= 900


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_internal_link_leads_somewhere(page):
    for target in LINK.findall(prose(page)):
        if re.match(r"https?:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = page.parent / path if path else page
        assert linked.exists(), f"{target}: nothing is there"
        assert not anchor or anchor in anchors(linked), f"{target}: no such heading"


def test_every_page_is_in_the_navigation_and_in_the_readme():
    pages = {page.name for page in (ROOT / "docs").glob("*.md")}
    navigation = set(re.findall(r"\w+\.md", (ROOT / "mkdocs.yml").read_text()))
    assert navigation == pages
    readme = (ROOT / "README.md").read_text()
    assert {name for name in pages - {"index.md", "results.md"} if f"docs/{name}" not in readme} == set()


def test_every_path_that_a_page_names_is_there():
    examples = EXAMPLES | {block.title for block in blocks("python", "yaml")}
    named = {path for page in PAGES for path in NAMED_PATH.findall(prose(page))} - examples
    assert named and {path for path in named if not (ROOT / path).exists()} == set()


@pytest.mark.parametrize("block", blocks("yaml"), ids=lambda block: block.title or block.page)
def test_a_block_of_yaml_can_be_read(block):
    assert yaml.safe_load(block.text)


def test_a_block_is_of_a_language_that_is_tested():
    found = {match["language"] for page in PAGES for match in FENCE.finditer(page.read_text())}
    assert found <= {"bash", "console", "yaml", "python", "text"}


def test_the_site_builds_without_a_warning(tmp_path):
    pytest.importorskip("mkdocs")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    result = subprocess.run(command, cwd=ROOT, text=True, capture_output=True)
    assert result.returncode == 0, result.stderr[-3000:]
    assert (tmp_path / "site/segment/index.html").exists()
