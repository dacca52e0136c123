"""The claims table: what each sentence says, what the paper's own numbers give, and what ours do, as csv, tex, md and html."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import pandas as pd

from grd.project.paths import Layout
from grd.project.project import Project
from grd.reporting.claims import check_names
from grd.reporting.claims.base import FAILS, HOLDS, UNTESTED, Claim, Finding
from grd.reporting.claims.evidence import our_evidence, paper_evidence
from grd.reporting.formats.html import page, sorting_head, switch
from grd.reporting.formats.tex import escaped
from grd.reporting.notes import scale_notes
from grd.system.files import write_text

MARKS = {HOLDS: "✓", FAILS: "×", UNTESTED: "–"}
LEGEND = "✓ holds, × does not hold, – not tested"
HEADS = ("Where", "The paper says", "Its own numbers give", "Ours give")
CAPTION = "Claims. What the paper's prose says, checked on its own tables and on ours."
NOTES = (
    f"{LEGEND}. A percentage holds where it rounds to the claimed digits; “less than” and “exceeding” are strict. "
    "A sentence that can be read in two ways is there twice.",
    "Dice and F1 of C. elegans and BBBC039V1: what the prose calls so are the columns printed so, whose contents look exchanged; "
    "both sides give object F1 for its Dice, pixel Dice for its F1.",
    "Settings: beside the paper's stands its authors' released code, where that is known. Where this scale trains otherwise, "
    "ours says nothing about the claim: not tested.",
)


@dataclass(frozen=True)
class Checked:
    """A claim of a section and what both sides give."""

    section: str
    claim: Claim
    paper: Finding
    ours: Finding


@dataclass(frozen=True)
class ClaimsTable:
    """All claims in their order, with notes."""

    rows: Sequence[Checked]
    notes: Sequence[str]
    twins: bool = False

    @property
    def sections(self) -> dict[str, list[Checked]]:
        """The rows by section."""
        names = dict.fromkeys(row.section for row in self.rows)
        return {name: [row for row in self.rows if row.section == name] for name in names}

    @property
    def counts(self) -> str:
        """`Published: 3 hold, 1 does not, …; ours: …`."""
        return (
            f"Of {len(self.rows)} claims, by the paper's own numbers {_counted(self.rows, lambda row: row.paper)}; by ours"
            f"{', of synthetic twins,' if self.twins else ''} {_counted(self.rows, lambda row: row.ours)}."
        )


def _counted(rows: Sequence[Checked], side: Callable[[Checked], Finding]) -> str:
    counts = Counter(side(row).verdict for row in rows)
    return f"{counts[HOLDS]} hold, {counts[FAILS]} do not, {counts[UNTESTED]} are not tested"


def claims_table(project: Project, layout: Layout, claims: Mapping[str, Sequence[Claim]]) -> ClaimsTable:
    """Every claim, checked on the published numbers and on ours."""
    paper, ours = paper_evidence(project), our_evidence(project, layout, claims)
    check_names(claims, paper.numbers)
    rows = [
        Checked(section, claim, claim.check(paper), claim.check(ours)) for section, entries in claims.items() for claim in entries
    ]
    return ClaimsTable(rows, [*NOTES, *scale_notes(project, project.scale.training)], ours.twins)


def as_csv(table: ClaimsTable) -> str:
    """A line per claim."""
    records = [
        {
            "section": row.section,
            "place": row.claim.place,
            "says": row.claim.says,
            "kind": row.claim.kind,
            "published": row.paper.text,
            "published_verdict": row.paper.verdict,
            "ours": row.ours.text,
            "ours_verdict": row.ours.verdict,
            "note": row.claim.note,
        }
        for row in table.rows
    ]
    return pd.DataFrame(records).to_csv(index=False)


def _marked(finding: Finding) -> str:
    return f"{MARKS[finding.verdict]} {finding.text}".rstrip()


def as_markdown(table: ClaimsTable) -> str:
    """Counts, then a pipe table per section, then the notes."""
    lines = [f"**{CAPTION}**", "", table.counts, ""]
    for section, rows in table.sections.items():
        lines += [f"### {section}", "", _pipes(HEADS), _pipes(["---"] * len(HEADS)), *map(_markdown_row, rows), ""]
    return "\n".join([*lines, *(f"- {note}" for note in table.notes), ""])


def _markdown_row(row: Checked) -> str:
    says = row.claim.says + (f"<br>*{row.claim.note}*" if row.claim.note else "")
    return _pipes([row.claim.place, says, _marked(row.paper), _marked(row.ours)])


def _pipes(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def as_tex(table: ClaimsTable) -> str:
    """A longtable that compiles with booktabs, longtable, caption and amssymb loaded."""
    lines = [
        r"\begingroup\footnotesize",
        r"\begin{longtable}{@{}p{0.08\linewidth}p{0.39\linewidth}p{0.22\linewidth}p{0.22\linewidth}@{}}",
        rf"\caption*{{{escaped(f'{CAPTION} {table.counts}')}}}\\",
        rf"\toprule {_ampersands(HEADS)} \midrule \endhead",
        r"\bottomrule \endfoot",
    ]
    for section, rows in table.sections.items():
        lines += [rf"\multicolumn{{4}}{{@{{}}l}}{{\textbf{{{escaped(section)}}}}} \\*", *map(_tex_row, rows)]
    notes = (rf"\par {escaped(note)}" for note in table.notes)
    return "\n".join([*lines, r"\end{longtable}", *notes, r"\endgroup"]) + "\n"


def _tex_row(row: Checked) -> str:
    place, says, paper, ours = map(escaped, (row.claim.place, row.claim.says, _marked(row.paper), _marked(row.ours)))
    note = rf"\newline \emph{{{escaped(row.claim.note)}}}" if row.claim.note else ""
    cells = (rf"\raggedright {cell}".replace(r" \%", r"~\%") for cell in (place, says + note, paper, ours))
    return " & ".join(cells) + r" \tabularnewline"  # \raggedright has another \\


def _ampersands(cells: Sequence[str]) -> str:
    return " & ".join(map(escaped, cells)) + r" \\"


def as_html(table: ClaimsTable) -> str:
    """A page whose rows are sorted by a click on a head, and kept by what either side gives."""
    controls = [_verdict_switch(side, title) for side, title in (("paper", "Its own numbers"), ("ours", "Ours"))]
    heads = [sorting_head(title, number, "ascending") for number, title in enumerate(HEADS)]
    rows = [line for section in table.sections.values() for line in _html_rows(section)]
    lines = ["<thead><tr>", *heads, "</tr></thead>", "<tbody>", *rows, "</tbody>"]
    return page(f"{CAPTION} {table.counts}", controls, lines, table.notes, kind="prose")


def _verdict_switch(side: str, title: str) -> str:
    keep = {f"{side}=": "all"} | {f"{side}={verdict}": f"{mark} {verdict}" for verdict, mark in MARKS.items()}
    return f'<span class="named">{title}: {switch(title, "keep", keep)}</span>'


def _html_rows(section: Sequence[Checked]) -> Iterable[str]:
    """A section's rows, the first marked."""
    for number, row in enumerate(section):
        first = "" if number else ' class="first"'
        note = f"<small>{escape(row.claim.note)}</small>" if row.claim.note else ""
        yield f'<tr{first} data-paper="{row.paper.verdict}" data-ours="{row.ours.verdict}">'
        yield f'<th scope="row">{escape(row.claim.place)}</th><td>{escape(row.claim.says)}{note}</td>'
        yield f"{_html_finding(row.paper)}{_html_finding(row.ours)}</tr>"


def _html_finding(finding: Finding) -> str:
    """A cell that is sorted by its verdict."""
    return f'<td data-key="{list(MARKS).index(finding.verdict)}">{escape(_marked(finding))}</td>'


def write_claims(table: ClaimsTable, csv: Path, tex: Path, md: Path, html: Path) -> None:
    """Write the four forms."""
    write_text(csv, as_csv(table))
    write_text(tex, as_tex(table))
    write_text(md, as_markdown(table))
    write_text(html, as_html(table))
