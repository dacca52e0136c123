"""Tables as pages for a browser: sorted by a click on a head, switched between ours, published and their difference."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from string import Template

from grd.reporting.significance import best_cells
from grd.reporting.table import DOWN, UP, Cell, Column, Table

SHOWN = {"both": "ours (published)", "ours": "ours", "published": "published", "difference": "difference"}
"""What of the cells can be shown, and the buttons that show it."""

MISSING = "–"


def as_html(table: Table) -> str:
    """A page of its own, without anything from elsewhere; text where no script runs."""
    explained = "<span>Difference: ours − published. Click a column to sort, again to turn, again to undo.</span>"
    lines = [*_heads(table), "<tbody>", *_rows(table), "</tbody>"]
    return page(table.caption, [switch("Numbers", "show", SHOWN), explained], lines, table.notes, style=_widths(table))


def page(
    title: str, controls: Iterable[str], table: Iterable[str], notes: Iterable[str], kind: str = "", style: Iterable[str] = ()
) -> str:
    """The template filled: a title, switches above, the lines of a table, notes below. Title and notes are escaped here."""
    template = Template(files("grd.reporting.formats").joinpath("page.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=escape(title),
        controls="\n".join(controls),
        kind=kind,
        table="\n".join(table),
        notes="\n".join(f"<li>{escape(note)}</li>" for note in notes),
        style="\n".join(style),
    )


def switch(label: str, what: str, titles: Mapping[str, str]) -> str:
    """Buttons of which one is pressed, the first to begin with: they `show` a kind of number, or `keep` rows, by name."""
    buttons = [
        f'<button type="button" data-{what}="{escape(name)}" aria-pressed="{str(number == 0).lower()}">{escape(title)}</button>'
        for number, (name, title) in enumerate(titles.items())
    ]
    return f'<div class="switch" role="group" aria-label="{escape(label)}">{"".join(buttons)}</div>'


def _heads(table: Table) -> Iterable[str]:
    starts = _starts(table.columns)
    yield "<thead><tr>" + sorting_head("", 0, "ascending", 'rowspan="2"')
    for group, width in table.groups.items():
        yield f'<th scope="colgroup" colspan="{width}" class="start">{escape(group)}</th>'
    yield "</tr><tr>"
    for number, column in enumerate(table.columns):
        first = "descending" if UP in column.name else "ascending"
        yield sorting_head(column.name, number + 1, first, 'class="start"' if number in starts else "")
    yield "</tr></thead>"


def sorting_head(title: str, column: int, first: str, attributes: str = "") -> str:
    """A head of a column, with the button that sorts by it, at the first click in this direction."""
    marks = f'scope="col" data-column="{column}" data-first="{first}" aria-sort="none" {attributes}'
    label = "" if title else ' aria-label="Row"'
    return f'<th {marks.strip()}><button type="button"{label}>{_head_text(title)}</button></th>'


def _head_text(title: str) -> str:
    """The title, an arrow kept beside the last word."""
    if not title.endswith((UP, DOWN)):
        return escape(title)
    *before, name, arrow = title.split(" ")
    return escape(" ".join([*before, ""])) + _span("whole", f"{escape(name)} {arrow}")


def _starts(columns: Sequence[Column]) -> set[int]:
    """Where groups of columns begin."""
    return {n for n, column in enumerate(columns) if n == 0 or column.group != columns[n - 1].group}


def _rows(table: Table) -> Iterable[str]:
    best, starts = best_cells(table), _starts(table.columns)
    first = {titles[0] for titles in table.contests if titles}
    for title, cells in table.rows.items():
        mark = ' class="first"' if title in first else ""
        row = [_cell(cell, (title, number) in best, number in starts) for number, cell in enumerate(cells)]
        yield f'<tr{mark}><th scope="row">{escape(title)}</th>{"".join(row)}</tr>'


def _cell(cell: Cell | str, bold: bool, start: bool) -> str:
    names = [name for name, wanted in (("start", start), ("text", isinstance(cell, str))) if wanted]
    mark = f' class="{" ".join(names)}"' if names else ""
    if isinstance(cell, str):
        return f"<td{mark}>{escape(cell)}</td>"
    keys = {"ours": cell.mean, "published": cell.published, "difference": difference(cell)}
    data = " ".join(f'data-{name}="{"" if value is None else format(value, ".10g")}"' for name, value in keys.items())
    return f"<td{mark} {data}>{_ours(cell, bold)} {_span('published', _number(cell.published, cell))}{_difference(cell)}</td>"


def _ours(cell: Cell, bold: bool) -> str:
    mean = _number(cell.mean, cell)
    spread = "" if cell.sd is None else " " + _span("sd", f"± {_number(cell.sd, cell)}")
    return f'<span class="ours">{f"<b>{mean}</b>" if bold else mean}{spread}</span>'


def _difference(cell: Cell) -> str:
    value = difference(cell)
    if value is None:
        return _span("difference", MISSING)
    rounded = round(value, cell.digits)
    text = f"{rounded:+.{cell.digits}f}" if rounded else _number(0, cell)
    return _span("difference", text.replace("-", "−"))


def difference(cell: Cell) -> float | None:
    """Ours - published; None where one of them is missing."""
    return None if cell.mean is None or cell.published is None else cell.mean - cell.published


def _number(value: float | None, cell: Cell) -> str:
    return MISSING if value is None else f"{value:.{cell.digits}f}"


def _span(name: str, text: str) -> str:
    return f'<span class="{name}">{text}</span>'


def _widths(table: Table) -> Iterable[str]:
    """Room for the published numbers of each column, so that ours stand below each other."""
    for number, column in enumerate(zip(*table.rows.values(), strict=True)):
        texts = [_number(cell.published, cell) for cell in column if isinstance(cell, Cell)]
        if texts:
            yield f"  [data-shown=both] td:nth-child({number + 2}) .published {{ min-width: {max(map(len, texts)) + 1}ch; }}"
