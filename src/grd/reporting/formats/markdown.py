"""Tables as Markdown."""

from collections.abc import Sequence

from grd.reporting.significance import best_cells
from grd.reporting.table import Table, blocks, cell_texts


def as_markdown(table: Table) -> str:
    """Pipe tables with the caption above and the notes below."""
    parts = [line for block in blocks(table) for line in (*_markdown_block(block), "")]
    return "\n".join([f"**{table.caption}**", "", *parts, *(f"- {note}" for note in table.notes), ""])


def _markdown_block(table: Table) -> list[str]:
    header = ["", *(f"{column.group}<br>{column.name}".replace("|", "\\|") for column in table.columns)]
    best = best_cells(table)
    rows = [
        [title, *(f"**{text}**" if (title, number) in best else text for number, text in enumerate(cell_texts(cells)))]
        for title, cells in table.rows.items()
    ]
    return [_pipes(cells) for cells in (header, ["---"] * len(header), *rows)]


def _pipes(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
