"""A page for a browser: one table to sort, with switches above and notes below; it opens offline."""

from collections.abc import Iterable, Mapping
from html import escape
from importlib.resources import files
from string import Template

from grd.reporting.table import DOWN, UP


def page(
    title: str,
    controls: Iterable[str],
    table: Iterable[str],
    notes: Iterable[str],
    banner: str = "",
    kind: str = "",
    style: Iterable[str] = (),
) -> str:
    """The template, filled; nothing on it comes from elsewhere.

    `controls` (switches) and `table` (its lines) are HTML, `style` is CSS; title, banner and notes are plain text. `kind` is
    `prose` for cells that hold sentences.
    """
    template = Template(files("grd.reporting.formats").joinpath("page.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=escape(title),
        banner=f'<p class="banner">{escape(banner)}</p>' if banner else "",
        controls="\n".join(controls),
        kind=kind,
        table="\n".join(table),
        notes="\n".join(f"<li>{escape(note)}</li>" for note in notes),
        style="\n".join(style),
    )


def switch(label: str, action: str, titles: Mapping[str, str]) -> str:
    """Buttons by name, one of them pressed, at first the first; the action is to `show` a kind of number or to `keep` rows."""
    buttons = [
        f'<button type="button" data-{action}="{escape(name)}" aria-pressed="{str(number == 0).lower()}">{escape(title)}</button>'
        for number, (name, title) in enumerate(titles.items())
    ]
    return f'<div class="switch" role="group" aria-label="{escape(label)}">{"".join(buttons)}</div>'


def sorting_head(title: str, column: int, first: str, attributes: str = "") -> str:
    """Head of a column with a button that sorts by it; the `first` click is `ascending` or `descending`."""
    marks = f'scope="col" data-column="{column}" data-first="{first}" aria-sort="none" {attributes}'
    label = "" if title else ' aria-label="Row"'
    return f'<th {marks.strip()}><button type="button"{label}>{_head_text(title)}</button></th>'


def _head_text(title: str) -> str:
    """The title, with an arrow kept beside the last word."""
    if not title.endswith((UP, DOWN)):
        return escape(title)
    *before, name, arrow = title.split(" ")
    return escape(" ".join([*before, ""])) + span("whole", f"{escape(name)} {arrow}")


def span(name: str, html: str) -> str:
    """A span of a class."""
    return f'<span class="{name}">{html}</span>'
