"""The claims table: each sentence with what the published and the reproduced numbers give, as csv, tex, md and html."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import pandas as pd

from grd.project.paths import Layout
from grd.project.project import Project
from grd.reporting.claims import check_names
from grd.reporting.claims.base import CONSTRUCTED, FAILS, HOLDS, UNTESTED, Claim, Evidence, Finding
from grd.reporting.claims.evidence import (
    Claims,
    claims_about,
    evidence_of_rows,
    published_evidence,
    reproduced_evidence,
)
from grd.reporting.formats.markdown import head, pipes
from grd.reporting.formats.page import page, sorting_head, switch
from grd.reporting.formats.tex import ampersands, tex_text
from grd.reporting.notes import scale_note, twins_banner, volume_note
from grd.system.files import write_text

MARKS = {HOLDS: "✓", CONSTRUCTED: "(✓)", FAILS: "×", UNTESTED: "–"}
LEGEND = ", ".join(f"{mark} {verdict}" for verdict, mark in MARKS.items())
HEADS = ("Where", "The paper says", "Published numbers give", "Reproduced numbers give")
CAPTION = "Claims. Statements of the paper's prose, checked on the published numbers and on the reproduced ones."
READING_NOTES: tuple[str, ...] = (
    f"{LEGEND}. A percentage holds if it rounds to the claimed digits; “less than” and “exceeding” are strict. "
    "A sentence that can be read in two ways appears twice. One about many columns is not tested as long as those that are "
    "missing could decide it.",
    "Dice and F1 of C. elegans and BBBC039V1: the prose uses the names of the printed columns, whose contents look exchanged; on "
    "both sides the object F1 is given for its Dice, the pixel Dice for its F1.",
    "Which row is better, the order of rows and the order of gains are judged on the means as they stand, whatever their sd, and "
    "also with one seed: such a ✓ or × can be chance. Rows of different seeds are not compared.",
)
"""Notes on any claims."""
NOTES: tuple[str, ...] = (
    *READING_NOTES,
    "By construction: the reproduced side was built to agree, so that agreement shows nothing. Settings are copied, splits "
    "listed, rows of tables taken over, and networks defined to the printed counts. Synthetic twins are drawn to the real "
    "numbers of samples, which are therefore not tested. On twins no percentage is tested, only which row is better.",
    "That a score rises, saturates, or is sensitive to a weight has to show beyond the largest sd over seeds of the numbers "
    "compared; within it, and with one seed, it is not tested. Significant is what tables set in bold.",
    "Settings: the published side gives those of the authors' released code, where known. A scale that trains with another "
    "setting says nothing about the claim: not tested.",
)


@dataclass(frozen=True)
class ClaimRow:
    """A claim of a section, and the findings on the published and on the reproduced numbers."""

    section: str
    claim: Claim
    published: Finding
    reproduced: Finding


@dataclass(frozen=True)
class ClaimsTable:
    """All claims in their order, with notes and a `banner` as in other tables."""

    rows: Sequence[ClaimRow]
    notes: Sequence[str]
    banner: str = ""

    @property
    def sections(self) -> dict[str, list[ClaimRow]]:
        """The rows by section."""
        names = dict.fromkeys(row.section for row in self.rows)
        return {name: [row for row in self.rows if row.section == name] for name in names}

    @property
    def counts(self) -> str:
        """Numbers of the verdicts on both sides, in a sentence."""
        return (
            f"Of {len(self.rows)} claims, by the published numbers {_counts(self.rows, lambda row: row.published)}; by the "
            f"reproduced ones {_counts(self.rows, lambda row: row.reproduced)}."
        )


def _counts(rows: Sequence[ClaimRow], side: Callable[[ClaimRow], Finding]) -> str:
    counts = Counter(side(row).verdict for row in rows)
    constructed = f"{counts[CONSTRUCTED]} hold by construction, " if counts[CONSTRUCTED] else ""
    return f"{counts[HOLDS]} hold, {counts[FAILS]} do not, {constructed}{counts[UNTESTED]} are not tested"


def claims_table(project: Project, layout: Layout, claims: Claims, table: str = "") -> ClaimsTable:
    """Every claim, checked on the published and on the reproduced numbers.

    With a `table` that has some rows of a table of the paper, those claims about the latter for which it has numbers.
    """
    published = published_evidence(project)
    check_names(claims, published.numbers)
    scale = scale_note(project, project.scale.training, table or None)
    if table:
        own = evidence_of_rows(project, layout, table)
        checked = _check(claims_about(claims, str(project.experiments[table].rows_of)), published, own)
        rows, notes = [row for row in checked if row.reproduced.text != own.absent], [*READING_NOTES, scale]
    else:
        rows = _check(claims, published, reproduced_evidence(project, layout, claims))
        notes = [*NOTES, scale, volume_note(project)]
    return ClaimsTable(rows, notes, twins_banner(project))


def _check(claims: Claims, published: Evidence, reproduced: Evidence) -> list[ClaimRow]:
    return [
        ClaimRow(section, claim, claim.finding_on(published), claim.finding_on(reproduced))
        for section, entries in claims.items()
        for claim in entries
    ]


def as_csv(table: ClaimsTable) -> str:
    """A line per claim."""
    records = [
        {
            "section": row.section,
            "place": row.claim.place,
            "says": row.claim.says,
            "kind": row.claim.kind,
            "published": row.published.text,
            "published_verdict": row.published.verdict,
            "reproduced": row.reproduced.text,
            "reproduced_verdict": row.reproduced.verdict,
            "note": row.claim.note,
        }
        for row in table.rows
    ]
    return pd.DataFrame(records).to_csv(index=False)


def _finding_text(finding: Finding) -> str:
    return f"{MARKS[finding.verdict]} {finding.text}".rstrip()


def as_markdown(table: ClaimsTable) -> str:
    """Banner and counts, then a pipe table per section, then the notes."""
    lines = [*head(CAPTION, table.banner), table.counts, ""]
    for section, rows in table.sections.items():
        lines += [f"### {section}", "", pipes(HEADS), pipes(["---"] * len(HEADS)), *map(_markdown_row, rows), ""]
    return "\n".join([*lines, *(f"- {note}" for note in table.notes), ""])


def _markdown_row(row: ClaimRow) -> str:
    says = row.claim.says + (f"<br>*{row.claim.note}*" if row.claim.note else "")
    return pipes([row.claim.place, says, _finding_text(row.published), _finding_text(row.reproduced)])


def as_tex(table: ClaimsTable) -> str:
    """A longtable that compiles with booktabs, longtable, caption and amssymb loaded."""
    banner = rf" \newline \emph{{{tex_text(table.banner)}}}" if table.banner else ""
    lines = [
        r"\begingroup\footnotesize",
        r"\begin{longtable}{@{}p{0.08\linewidth}p{0.39\linewidth}p{0.22\linewidth}p{0.22\linewidth}@{}}",
        rf"\caption*{{{tex_text(f'{CAPTION} {table.counts}')}{banner}}}\\",
        rf"\toprule {ampersands([tex_text(title) for title in HEADS])} \midrule \endhead",
        r"\bottomrule \endfoot",
    ]
    for section, rows in table.sections.items():
        lines += [rf"\multicolumn{{4}}{{@{{}}l}}{{\textbf{{{tex_text(section)}}}}} \\*", *map(_tex_row, rows)]
    notes = (rf"\par {tex_text(note)}" for note in table.notes)
    return "\n".join([*lines, r"\end{longtable}", *notes, r"\endgroup"]) + "\n"


def _tex_row(row: ClaimRow) -> str:
    texts = (row.claim.place, row.claim.says, _finding_text(row.published), _finding_text(row.reproduced))
    place, says, published, reproduced = map(tex_text, texts)
    note = rf"\newline \emph{{{tex_text(row.claim.note)}}}" if row.claim.note else ""
    cells = (rf"\raggedright {cell}".replace(r" \%", r"~\%") for cell in (place, says + note, published, reproduced))
    return " & ".join(cells) + r" \tabularnewline"  # \raggedright has another \\


def as_html(table: ClaimsTable) -> str:
    """A page whose rows are sorted by a click on a head, and kept by the verdict of either side."""
    controls = [_verdict_switch(side) for side in ("published", "reproduced")]
    heads = [sorting_head(title, number, "ascending") for number, title in enumerate(HEADS)]
    rows = [line for section in table.sections.values() for line in _html_rows(section)]
    lines = ["<thead><tr>", *heads, "</tr></thead>", "<tbody>", *rows, "</tbody>"]
    return page(f"{CAPTION} {table.counts}", controls, lines, table.notes, banner=table.banner, kind="prose")


def _verdict_switch(side: str) -> str:
    title = f"{side.capitalize()} numbers"
    marks = {verdict: mark for verdict, mark in MARKS.items() if side == "reproduced" or verdict != CONSTRUCTED}
    keep = {f"{side}=": "all"} | {f"{side}={verdict}": f"{mark} {verdict}" for verdict, mark in marks.items()}
    return f'<span class="named">{title}: {switch(title, "keep", keep)}</span>'


def _html_rows(section: Sequence[ClaimRow]) -> Iterable[str]:
    """The rows of a section, the first one marked."""
    for number, row in enumerate(section):
        first = "" if number else ' class="first"'
        note = f"<small>{escape(row.claim.note)}</small>" if row.claim.note else ""
        yield f'<tr{first} data-published="{row.published.verdict}" data-reproduced="{row.reproduced.verdict}">'
        yield f'<th scope="row">{escape(row.claim.place)}</th><td>{escape(row.claim.says)}{note}</td>'
        yield f"{_html_finding(row.published)}{_html_finding(row.reproduced)}</tr>"


def _html_finding(finding: Finding) -> str:
    """A cell that is sorted by its verdict."""
    return f'<td data-key="{list(MARKS).index(finding.verdict)}">{escape(_finding_text(finding))}</td>'


def write_claims(table: ClaimsTable, csv: Path, tex: Path, md: Path, html: Path) -> None:
    """Write the claims in four formats."""
    write_text(csv, as_csv(table))
    write_text(tex, as_tex(table))
    write_text(md, as_markdown(table))
    write_text(html, as_html(table))
