import re
import shutil
import subprocess
from html.parser import HTMLParser
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest

from grd.config.parsing import read_yaml
from grd.reporting.claims import load_claims
from grd.reporting.claims.base import FAILS, HOLDS, UNTESTED, Finding
from grd.reporting.claims.table import ClaimRow, ClaimsTable
from grd.reporting.claims.table import as_html as claims_page
from grd.reporting.formats.html import as_html, difference
from grd.reporting.formats.page import page
from grd.reporting.table import Cell, Column, Table
from grd.reporting.tables import write_table

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
COLUMNS = [Column("Data <1>", "PQ ↑"), Column("Data <1>", "|DiC| ↓"), Column("Other", "Weight")]


def small(rows=None):
    contests = [] if rows else [["+ A", "+ B"]]
    rows = rows or {
        "T & S": [Cell(0.5, None, 0.4, 1), Cell(2.0, None, None, 2), "✓"],
        "+ A": [Cell(0.24, 0.03, 0.4, 1), Cell(None, None, 3.0, 2), "×"],
        "+ B": [Cell(0.9, None, 0.9, 1), "", "10"],
    }
    return Table("Table <X>: a & b.", COLUMNS, rows, ["A note with <b> & λ."], contests=contests)


class Reader(HTMLParser):
    """The cells of a page's table, row by row, and whether every tag is closed."""

    def __init__(self, html):
        super().__init__()
        self.open, self.rows, self.heads = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        if tag != "meta":
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag == "th":
            self.heads.append(dict(attributes))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data


def test_a_page_says_all_of_a_table_and_closes_every_tag():
    reader = Reader(as_html(small()))
    assert reader.open == []
    assert reader.rows[:2] == [["", "Data <1>", "Other"], ["PQ ↑", "|DiC| ↓", "Weight"]]
    assert reader.rows[2] == ["T & S", "0.5 0.4+0.1", "2.00 ––", "✓"]
    assert reader.rows[3] == ["+ A", "0.2 ± 0.0 0.4−0.2", "– 3.00–", "×"]
    assert reader.rows[4] == ["+ B", "0.9 0.90.0", "", "10"]


def test_text_is_escaped():
    html = as_html(small())
    assert "Table &lt;X&gt;: a &amp; b." in html and "A note with &lt;b&gt; &amp; λ." in html
    assert "<1>" not in html and "<X>" not in html


def test_nothing_comes_from_elsewhere():
    html = as_html(small())
    assert not re.search(r"https?:|src=|<link|@import|url\(", html)


def test_the_difference_is_reproduced_minus_published_and_missing_where_one_is():
    assert difference(Cell(0.5, None, 0.4, 1)) == pytest.approx(0.1)
    assert difference(Cell(None, None, 0.4, 1)) is difference(Cell(0.5, None, None, 1)) is None


def test_a_difference_is_of_unrounded_numbers_and_never_minus_zero():
    assert '<span class="difference">0.0</span>' in as_html(small({"A": [Cell(0.38, None, 0.4, 1)] * 3}))
    assert 'data-difference="-0.02"' in as_html(small({"A": [Cell(0.38, None, 0.4, 1)] * 3}))


def test_the_first_click_brings_the_best_up():
    heads = [head for head in Reader(as_html(small())).heads if "data-column" in head]
    assert [head["data-first"] for head in heads] == ["ascending", "descending", "ascending", "ascending"]
    assert {head["aria-sort"] for head in heads} == {"none"}


def test_a_cell_whose_lead_is_confirmed_is_bold():
    seeds = np.tile(np.linspace(0, 1, 12), (2, 1))
    cells = [Cell(float(seeds.mean() + lead), 0.0, None, 1, dict(enumerate(seeds + lead))) for lead in (0.1, 0.0)]
    html = as_html(Table("A caption.", COLUMNS[:1], {"+ A": [cells[0]], "+ B": [cells[1]]}, [], contests=[["+ A", "+ B"]]))
    assert html.count("<b>") == 1 and "<b>0.6</b>" in html


def test_a_line_goes_above_the_first_row_of_a_contest():
    assert '<tr class="first"><th scope="row">+ A</th>' in as_html(small())


def test_dollars_and_braces_in_a_text_stay():
    assert "$x {y}" in page("$x {y}", [], [], ["$x {y}"])


def test_a_table_is_written_in_four_formats(tmp_path):
    paths = [tmp_path / f"t.{ending}" for ending in ("csv", "tex", "md", "html")]
    write_table(small(), *paths)
    assert all(path.stat().st_size > 100 for path in paths) and paths[3].read_text().startswith("<!doctype html>")


def after(html, script, tmp_path):
    """The rows' titles, and the page, after a script has run in a browser."""
    file = tmp_path / "page.html"
    file.write_text(html.replace("</body>", f"<script>{script}</script></body>"))
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
    shown = subprocess.run([*command, file.as_uri()], capture_output=True, text=True, check=True, timeout=60).stdout
    return re.findall(r'<th scope="row">(.*?)</th>', shown), shown


def click(*selectors):
    return "".join(f"document.querySelector('{selector}').click();" for selector in selectors)


ROWS = {
    "a": [Cell(2.0, None, 1.0, 1), "", ""],
    "b": [Cell(None, None, 3.0, 1), "", ""],
    "c": [Cell(10.0, None, None, 1), "", ""],
    "d": [Cell(2.0, None, 2.5, 1), "", ""],
}
PQ = 'th[data-column="1"] button'


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium or Chrome")
@pytest.mark.parametrize(
    ("clicks", "order", "sort"),
    [
        ([PQ], "cadb", "descending"),  # by number, not by letter; blank last; ties as they were
        ([PQ, PQ], "adcb", "ascending"),
        ([PQ, PQ, PQ], "abcd", "none"),
        (["[data-show=published]", PQ], "bdac", "descending"),
        ([PQ, "[data-show=difference]"], "adcb", "descending"),
    ],
)
def test_in_a_browser_columns_are_sorted_by_what_is_shown(tmp_path, clicks, order, sort):
    titles, shown = after(as_html(small(ROWS)), click(*clicks), tmp_path)
    assert "".join(titles) == order
    assert re.search(rf'data-column="1"[^>]*aria-sort="{sort}"', shown)


def some_claims():
    """The configured claims with verdicts in turn: published hold, fail; reproduced hold, fail, not tested."""
    published, reproduced = cycle((HOLDS, FAILS)), cycle((HOLDS, FAILS, UNTESTED))
    sections = load_claims(read_yaml(Path(__file__).parents[3] / "config/claims.yaml"))
    claims = [(section, claim) for section, own in sections.items() for claim in own]
    rows = [ClaimRow(*claim, Finding("a < b", next(published)), Finding("", next(reproduced))) for claim in claims]
    return ClaimsTable(rows, ["A note."])


def test_the_claims_page_has_a_row_for_each_with_both_verdicts():
    table, reader = some_claims(), Reader(claims_page(some_claims()))
    assert reader.open == [] and len(reader.rows) == 1 + len(table.rows)
    assert reader.rows[1][0] == table.rows[0].claim.place and reader.rows[1][1].startswith(table.rows[0].claim.says)
    assert reader.rows[1][2:] == ["✓ a < b", "✓"] and reader.rows[2][2:] == ["× a < b", "×"] and reader.rows[3][3] == "–"


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium or Chrome")
@pytest.mark.parametrize(
    ("kept", "share"),
    [
        (["published=holds"], 2),
        (["published=does not hold", "reproduced=not tested"], 6),
        (["published=holds", "published="], 1),
    ],
)
def test_in_a_browser_claims_are_kept_by_either_verdict_or_both(tmp_path, kept, share):
    buttons = [f'[data-keep="{name}"]' for name in kept]
    _, shown = after(claims_page(some_claims()), click(*buttons), tmp_path)
    rows = re.findall(r"<tr[^>]*data-published[^>]*>", shown)
    assert sum("hidden" not in row for row in rows) == pytest.approx(len(rows) / share, abs=1)
