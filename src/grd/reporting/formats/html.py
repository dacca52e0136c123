"""Tables as HTML: columns sort by a click, numbers switch between reproduced, published and their difference."""

from collections.abc import Iterable
from html import escape
from itertools import accumulate

from grd.reporting.formats.page import page, sorting_head, span, switch
from grd.reporting.significance import best_cells
from grd.reporting.table import MISSING, UP, Cell, Table

SHOWN = {
    "both": "reproduced (published)",
    "reproduced": "reproduced",
    "published": "published",
    "difference": "difference",
}
"""The numbers that cells can show, and the buttons that show them."""
HELP = "Difference: reproduced − published. Click a head to sort by its column, again to reverse, once more to undo."


def as_html(table: Table) -> str:
    """A page with the table; where scripts do not run, it is plain text."""
    alone = all(cell.alone for cells in table.rows.values() for cell in cells if isinstance(cell, Cell))
    controls = [] if alone else [switch("Numbers", "show", SHOWN), f"<span>{HELP}</span>"]
    lines = [*_heads(table), "<tbody>", *_rows(table), "</tbody>"]
    return page(table.caption, controls, lines, table.notes, banner=table.banner, style=_widths(table))


def _heads(table: Table) -> Iterable[str]:
    starts = _group_starts(table)
    yield "<thead><tr>" + sorting_head("", 0, "ascending", 'rowspan="2"')
    for group, width in table.groups:
        yield f'<th scope="colgroup" colspan="{width}" class="start">{escape(group)}</th>'
    yield "</tr><tr>"
    for number, column in enumerate(table.columns):
        first = "descending" if UP in column.name else "ascending"
        yield sorting_head(column.name, number + 1, first, 'class="start"' if number in starts else "")
    yield "</tr></thead>"


def _group_starts(table: Table) -> set[int]:
    """Numbers of the columns that begin a group."""
    return set(accumulate((width for _, width in table.groups), initial=0))


def _rows(table: Table) -> Iterable[str]:
    best, starts = best_cells(table), _group_starts(table)
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
    keys = {"reproduced": cell.mean, "published": cell.published, "difference": difference(cell)}
    data = " ".join(f'data-{name}="{"" if value is None else format(value, ".10g")}"' for name, value in keys.items())
    if cell.alone:
        return f"<td{mark} {data}>{_reproduced(cell, bold)}</td>"
    published = span("published", cell.number(cell.published))
    return f"<td{mark} {data}>{_reproduced(cell, bold)} {published}{_difference(cell)}</td>"


def _reproduced(cell: Cell, bold: bool) -> str:
    mean = cell.number(cell.mean)
    spread = "".join(" " + span("sd", text) for text in cell.spread())
    return span("reproduced", f"{f'<b>{mean}</b>' if bold else mean}{spread}")


def _difference(cell: Cell) -> str:
    value = difference(cell)
    if value is None:
        return span("difference", MISSING)
    rounded = round(value, cell.digits)
    text = f"{rounded:+.{cell.digits}f}" if rounded else cell.number(0)
    return span("difference", text.replace("-", "−"))


def difference(cell: Cell) -> float | None:
    """Reproduced − published; None where one of them is missing."""
    return None if cell.mean is None or cell.published is None else cell.mean - cell.published


def _widths(table: Table) -> Iterable[str]:
    """CSS that gives a column's published numbers one width, so that the reproduced ones are aligned."""
    for number, column in enumerate(zip(*table.rows.values(), strict=True)):
        texts = [cell.number(cell.published) for cell in column if isinstance(cell, Cell) and not cell.alone]
        if texts:
            yield f"  [data-shown=both] td:nth-child({number + 2}) .published {{ min-width: {max(map(len, texts)) + 1}ch; }}"
