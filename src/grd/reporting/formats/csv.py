"""Tables as CSV: a line per cell, unrounded."""

import pandas as pd

from grd.reporting.significance import confirmed, leads
from grd.reporting.table import Cell, Table


def as_csv(table: Table) -> str:
    """Long form: a line per cell with its unrounded numbers.

    The best of a contest has the p of its lead (`leads`); `bold` and `doubtful` are True for cells that are so in other formats.
    """
    found = leads(table)
    bold = confirmed(found)
    records = [
        {
            "run": table.runs.get(title, ""),
            "dataset": column.dataset,
            "segmenter": column.segmenter,
            "metric": column.metric,
            "row": title,
            "group": column.group,
            "column": column.name,
            "reproduced": cell.mean,
            "sd": cell.sd,
            "seeds": " ".join(map(str, cell.samples)),
            "published": cell.published,
            "p": found[title, number].p if (title, number) in found else None,
            "bold": (title, number) in bold,
            "doubtful": cell.doubtful,
        }
        for title, cells in table.rows.items()
        for number, (column, cell) in enumerate(zip(table.columns, cells, strict=True))
        if isinstance(cell, Cell)
    ]
    return pd.DataFrame(records).to_csv(index=False)
