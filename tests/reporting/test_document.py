import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from grd.errors import GrdError
from grd.project.project import Project
from grd.reporting.document import document, settings_of
from grd.reporting.latex import missing_latex, write_pdf
from grd.system.hardware import hardware, versions

CONFIG = Path(__file__).parents[2] / "config"
MADE_WITH = {"Settings": {"a_b": "50 %"}, "Versions": {"torch": "2"}}

needs_latex = pytest.mark.skipif(bool(missing_latex()), reason=f"LaTeX lacks {', '.join(missing_latex())}")


def project():
    return Project.load(CONFIG, {"scale": "demo", "seeds": [0]})


def test_the_document_has_every_table_and_figure_once_and_says_how_it_was_made():
    text = document(project(), MADE_WITH)
    inputs = [r"\input{tables/table1.tex}", r"\input{tables/claims.tex}", "{figures/figure2.pdf}", r"\input{figures/figure2.tex}"]
    for part in (*inputs, r"a\_b & 50 \%"):
        assert text.count(part) == 1
    assert "synthetic twins" in text and "Figure 2." in text


def test_settings_versions_and_hardware_are_named():
    assert settings_of(project())["scale"] == "demo" and "fidelity, edges" in settings_of(project())
    assert {"Python", "torch", "snakemake"} <= set(versions())
    assert int(hardware()["cores"]) > 0 and hardware()["memory"].endswith("GiB")


def test_what_latex_lacks_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert missing_latex() == ["pdflatex", "kpsewhich"]


def test_a_pdf_without_latex_is_refused_with_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GrdError, match=r"expected LaTeX, found none of pdflatex, kpsewhich; install it .*texlive"):
        write_pdf(tmp_path / "a.tex", tmp_path / "a.pdf")


@needs_latex
def test_a_source_becomes_a_pdf_with_the_same_bytes_each_time(tmp_path):
    (tmp_path / "tables").mkdir()
    for name in ("table1", "claims"):
        (tmp_path / f"tables/{name}.tex").write_text(r"$\checkmark$ A table.")
    source = tmp_path / "reproduction.tex"
    source.write_text(document(replace(project(), experiments={"table1": project().experiments["table1"]}), MADE_WITH))
    write_pdf(source, tmp_path / "one.pdf")
    write_pdf(source, tmp_path / "two.pdf")
    assert (tmp_path / "one.pdf").read_bytes()[:4] == b"%PDF"
    assert (tmp_path / "one.pdf").read_bytes() == (tmp_path / "two.pdf").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.pdf", "reproduction.tex", "tables", "two.pdf"]


@needs_latex
def test_a_fault_is_told_in_latex_s_words_and_leaves_nothing(tmp_path):
    source = tmp_path / "bad.tex"
    source.write_text(r"\documentclass{article}\begin{document}\nonsense\end{document}")
    with pytest.raises(GrdError, match=r"bad.tex: pdflatex could not typeset it \(! Undefined control sequence"):
        write_pdf(source, tmp_path / "bad.pdf")
    assert shutil.which("pdflatex") and not (tmp_path / "bad.pdf").exists()
