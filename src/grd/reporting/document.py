"""The LaTeX document of all tables, figures and claims."""

from collections.abc import Iterable, Mapping

from grd.config.experiments import Experiment
from grd.project.project import Project
from grd.reporting.formats.tex import tex_text
from grd.reporting.latex import PREAMBLE
from grd.reporting.notes import scale_note, twins_banner, volume_note

INTRODUCTION = (
    "Tables and figures of Liu et al., Graph Relation Distillation for Efficient Biomedical Instance Segmentation, as reproduced "
    "by this pipeline; published numbers stand in parentheses."
)


def document(project: Project, made_with: Mapping[str, Mapping[str, str]]) -> str:
    """The LaTeX source: introduction, tables, figures and claims, by paths relative to the folder of the results.

    `made_with` has titles of small tables (settings, versions, hardware) and their entries.
    """
    parts = [
        PREAMBLE,
        *_introduction(project, made_with),
        r"\clearpage",
        r"\section*{Tables}",
        *(rf"\input{{tables/{name}.tex}}" for name in project.tables),
        r"\clearpage",
        r"\section*{Figures}",
        *(_figure(name, project.experiments[name]) for name in project.figures),
        r"\clearpage",
        r"\section*{Claims}",
        r"\input{tables/claims.tex}",
        r"\end{document}",
    ]
    return "\n".join(parts) + "\n"


def _introduction(project: Project, made_with: Mapping[str, Mapping[str, str]]) -> Iterable[str]:
    yield tex_text(INTRODUCTION)
    if banner := twins_banner(project):
        yield rf"\par\emph{{{tex_text(banner)}}}"
    yield r"\par " + tex_text(f"{scale_note(project, project.scale.training)} {volume_note(project)}")
    yield r"\par\smallskip"
    yield from (_listing(title, content) for title, content in made_with.items())


def _listing(title: str, content: Mapping[str, str]) -> str:
    rows = [rf"{tex_text(name)} & {tex_text(value)} \\" for name, value in content.items()]
    head = rf"\begin{{minipage}}[t]{{0.33\linewidth}}\footnotesize\textbf{{{tex_text(title)}}}\par"
    body = [r"\begin{tabular}[t]{@{}ll@{}}", *rows, r"\end{tabular}"]
    return "\n".join([head, *body, r"\end{minipage}\hfill"])


def _figure(name: str, figure: Experiment) -> str:
    heading = tex_text(f"Figure {figure.number}. {figure.title}.")
    return "\n".join(
        [
            r"\begin{figure}[!htbp]",
            r"\centering",
            rf"\includegraphics[width=\linewidth,height=0.86\textheight,keepaspectratio]{{figures/{name}.pdf}}",
            rf"\caption[{tex_text(figure.title)}]{{{heading} \input{{figures/{name}.tex}}}}",
            r"\end{figure}",
        ]
    )


def settings_of(project: Project) -> dict[str, str]:
    """Names and values, as text, of the settings that the results were made with."""
    seeds = ", ".join(map(str, project.config.seeds))
    shown = ("iterations", "teacher_iterations", "batch_size", "learning_rate", "schedule", "precision", "select")
    return {
        "scale": project.config.scale,
        "seeds": seeds,
        **{name.replace("_", " "): _of_images_and_volumes(project, name) for name in shown},
        **{f"fidelity, {name.replace('_', ' ')}": value for name, value in project.config.fidelity.model_dump().items()},
    }


def _of_images_and_volumes(project: Project, name: str) -> str:
    """A setting of trainings on images and, where it differs, on volumes; without one for teachers, they have the students'."""
    images, volumes = (getattr(each, name) or "as students" for each in (project.scale.training, project.volume_training))
    return str(images) if images == volumes else f"{images}; volumes {volumes}"
