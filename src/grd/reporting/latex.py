"""The LaTeX of this machine: what it lacks, and PDFs typeset with it."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from grd.errors import GrdError
from grd.system.files import atomic_write

PREAMBLE = r"""\documentclass[10pt,a4paper,landscape]{article}
\usepackage[T1]{fontenc}
\usepackage{lmodern,amssymb,booktabs,longtable,graphicx}
\usepackage[margin=18mm]{geometry}
\usepackage[font=small,labelformat=empty]{caption}
\usepackage[hidelinks]{hyperref}
\setlength{\parindent}{0pt}
\setlength{\parskip}{4pt}
\title{Graph relation distillation, reproduced}
\author{}
\date{}
\pdftrailerid{}
\begin{document}
\maketitle
"""
STYLES = sorted(name for names in re.findall(r"\\usepackage(?:\[.*?\])?\{(.*?)\}", PREAMBLE) for name in names.split(","))
INSTALL = "Debian: apt-get install texlive-latex-recommended lmodern"


def missing_latex() -> list[str]:
    """Programs and styles that LaTeX lacks here; empty where the document can be made into a PDF."""
    programs = [name for name in ("pdflatex", "kpsewhich") if shutil.which(name) is None]
    if programs:
        return programs
    found = subprocess.run(["kpsewhich", *(f"{name}.sty" for name in STYLES)], capture_output=True, text=True, check=False)
    names = {Path(line).stem for line in found.stdout.split()}
    return [f"{name}.sty" for name in STYLES if name not in names]


def write_pdf(source: Path, pdf: Path) -> None:
    """Typeset a document in its folder; GrdError with LaTeX's first complaint if that fails.

    Two passes, with a fixed date: the same sources give the same bytes.
    """
    if missing := missing_latex():
        raise GrdError(f"{pdf}: expected LaTeX, found none of {', '.join(missing)}; install it ({INSTALL})")
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(2):
            _typeset(source, Path(folder))
        with atomic_write(pdf) as part:
            shutil.copyfile(Path(folder) / f"{source.stem}.pdf", part)


def _typeset(source: Path, folder: Path) -> None:
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", f"-output-directory={folder}", source.name]
    fixed = {"SOURCE_DATE_EPOCH": "0", "FORCE_SOURCE_DATE": "1", "max_print_line": "1000"}
    result = subprocess.run(
        command, cwd=source.parent, env=os.environ | fixed, capture_output=True, text=True, errors="replace", check=False
    )
    if result.returncode:
        complaint = next((line for line in result.stdout.splitlines() if line.startswith("!")), "no message")
        raise GrdError(
            f"{source}: pdflatex could not typeset it ({complaint}); correct the text, or remove LaTeX to skip the PDF"
        )
