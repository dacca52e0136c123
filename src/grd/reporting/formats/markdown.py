"""Tables as Markdown."""

from collections.abc import Collection, Sequence

from grd.reporting.significance import best_by_block
from grd.reporting.table import Table, cell_texts


def as_markdown(table: Table) -> str:
    """Pipe tables, caption and banner above, notes below."""
    parts = [line for block in best_by_block(table) for line in (*_block(*block), "")]
    return "\n".join([*head(table.caption, table.banner), *parts, *(f"- {note}" for note in table.notes), ""])


def head(caption: str, banner: str) -> list[str]:
    """Lines above a table: its caption and, if there is one, its banner."""
    return [f"**{caption}**", "", *([f"*{banner}*", ""] if banner else [])]


def _block(table: Table, best: Collection[tuple[str, int]]) -> list[str]:
    heads = ["", *(f"{column.group}<br>{column.name}" for column in table.columns)]
    rows = [
        [title, *(f"**{text}**" if (title, number) in best else text for number, text in enumerate(cell_texts(cells)))]
        for title, cells in table.rows.items()
    ]
    return [pipes(cells) for cells in (heads, ["---"] * len(heads), *rows)]


def pipes(cells: Sequence[str]) -> str:
    """A line of a pipe table; a pipe in a cell is one of its text."""
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"
