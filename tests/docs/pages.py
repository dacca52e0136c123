"""The pages that users read, and the fenced blocks and commands in them."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "results/README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(?P<language>\w*)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: where it is, its language, its title (the file that it is for), and its text."""

    page: str
    language: str
    title: str
    text: str


@dataclass(frozen=True)
class Command:
    """A command as a shell takes it, and what a page shows that it prints; empty where a page shows nothing."""

    page: str
    text: str
    printed: str = ""

    @property
    def key(self):
        """What commands have in common that are tried alike: Snakemake only plans, on however many cores."""
        words = self.text.split(" #")[0].split()
        return " ".join(word for word in words if words[0] != "snakemake" or word not in ("--cores", "all", "1", "-n"))


def blocks(*languages):
    """The fenced blocks of all pages in these languages."""
    found = [
        Block(str(page.relative_to(ROOT)), match["language"], match["title"] or "", match["text"])
        for page in PAGES
        for match in FENCE.finditer(page.read_text())
    ]
    return [block for block in found if block.language in languages]


def block_titled(title, part=""):
    """The text of the one block for a file, or of that one which has a part."""
    (found,) = [block.text for block in blocks("python", "yaml") if block.title == title and part in block.text]
    return found


def commands():
    """Every distinct command of all pages, as it is shown with what it prints if it is anywhere."""
    found = {}
    for block in blocks("bash", "console"):
        for command in _console(block) if block.language == "console" else _bash(block):
            if command.key not in found or command.printed:
                found[command.key] = command
    return list(found.values())


def _bash(block):
    return [Command(block.page, line) for line in block.text.splitlines() if line.strip() and not line.startswith("#")]


def _console(block):
    parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
    assert not parts[0], f"{block.page}: expected a console block to begin with '$ ', found {parts[0]!r}"
    return [Command(block.page, *part.split("\n", 1)) for part in parts[1:]]
