import os
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
import torch
from projects import settings, write_squares

import grd
from grd.config.segmenters import as_segmenter
from grd.errors import GrdError
from grd.metrics.score_file import write_score_file
from grd.project.run import Run, Selection
from grd.provenance.fingerprint import ASIDE, Code
from grd.segmentation.run_files import Evaluation, segment_run
from grd.training.fit import train

PACKAGE = Path(grd.__file__).parent
SCRIPTS = Path(__file__).parents[2] / "workflow/scripts"

LIBRARY = {
    "__init__": "",
    "losses": """
        \"\"\"Losses.\"\"\"
        from grd.constants import HALF

        def first(x):
            \"\"\"The first.\"\"\"
            return HALF * x  # a comment

        def second(x):
            return x
        """,
    "constants": """
        HALF = 0.5
        UNUSED = 1
        """,
    "methods/__init__": """
        
        def build(name):
            return import_module(f"grd.methods.{name}")
        """,
    "methods/one": """
        from grd.losses import first

        class One:
            weight = 1

            def term(self, x):
                return first(x)
        """,
    "methods/two": """
        def term(x):
            from grd import losses
            return losses.second(x)
        """,
    "networks": """
        def narrow(): return 1

        def wide(): return 2

        NETWORKS = {"narrow": narrow, "wide": wide}
        """,
    "page": """
        TEMPLATE = "page.html"
        """,
}


@pytest.fixture
def library(tmp_path):
    for name, text in LIBRARY.items():
        file = tmp_path / "grd" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))
    (tmp_path / "grd/page.html").write_text("<p>")
    return tmp_path / "grd"


@pytest.fixture
def fingerprint(library, tmp_path):
    def of(script, *chosen):
        (tmp_path / "script.py").write_text(script)
        return Code(library).fingerprint(tmp_path / "script.py", chosen)

    return of


def edit(library, name, old, new):
    file = library / f"{name}.py"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


USES_FIRST = "from grd.losses import first\nfirst(1)"


@pytest.mark.parametrize(
    ("name", "old", "new", "changes"),
    [
        ("losses", "HALF * x", "HALF + x", True),
        ("losses", "HALF * x", "HALF  *  x", False),
        ("losses", "# a comment", "# another", False),
        ("losses", "The first.", "Another docstring.", False),
        ("losses", "def second(x):\n    return x", "def second(x):\n    return -x", False),
        ("losses", '"""Losses."""', '"""Losses."""\nprint()', True),  # acts when the module is imported
        ("constants", "0.5", "0.6", True),
        ("constants", "UNUSED = 1", "UNUSED = 2", False),
    ],
)
def test_only_what_is_reached_counts_and_of_it_only_what_acts(library, fingerprint, name, old, new, changes):
    before = fingerprint(USES_FIRST)
    edit(library, name, old, new)
    assert (fingerprint(USES_FIRST) != before) == changes


def test_a_script_s_own_text_counts_without_its_comments(fingerprint):
    assert fingerprint(USES_FIRST) == fingerprint(USES_FIRST + "  # said") != fingerprint(USES_FIRST + "\nfirst(2)")


@pytest.mark.parametrize("use", ["import grd.losses\ngrd.losses.first(1)", "from grd import losses as l\nl.first(1)"])
def test_modules_are_followed_by_any_name(library, fingerprint, use):
    before = fingerprint(use)
    edit(library, "constants", "0.5", "0.6")
    assert fingerprint(use) != before
    after = fingerprint(use)
    edit(library, "losses", "def second(x):\n    return x", "def second(x):\n    return -x")
    assert fingerprint(use) == after


def test_of_modules_that_are_imported_by_name_the_chosen_ones_are_reached(library, fingerprint):
    script = "from grd.methods import build\nbuild(name)"
    one, two, neither = (fingerprint(script, *chosen) for chosen in (["one"], ["two"], []))
    edit(library, "losses", "HALF * x", "HALF + x")
    assert [fingerprint(script, *chosen) for chosen in (["two"], [])] == [two, neither]
    assert fingerprint(script, "one") != one
    edit(library, "losses", "def second(x):\n    return x", "def second(x):\n    return -x")
    assert fingerprint(script, "two") != two


def test_of_a_dictionary_the_chosen_entries_are_reached_or_all_where_none_is_chosen(library, fingerprint):
    script = "from grd.networks import NETWORKS\nNETWORKS[name]()"
    before, whole = fingerprint(script, "narrow"), fingerprint(script)
    edit(library, "networks", "return 2", "return 3")
    assert fingerprint(script, "narrow") == before and fingerprint(script) != whole
    edit(library, "networks", "return 1", "return 4")
    assert fingerprint(script, "narrow") != before


def test_a_file_beside_the_module_counts_where_it_is_named(library, fingerprint):
    script = "from grd.page import TEMPLATE\nTEMPLATE"
    before = fingerprint(script)
    (library / "page.html").write_text("<p>new")
    assert fingerprint(script) != before


def test_it_does_not_depend_on_where_the_code_lies(library, fingerprint, tmp_path):
    before = fingerprint(USES_FIRST)
    library.rename(tmp_path / "elsewhere")
    assert Code(tmp_path / "elsewhere").fingerprint(tmp_path / "script.py") == before


def executed(action):
    """The definitions of the package that run while an action runs, as `module:name`."""
    found = set()

    def note(frame, event, argument):
        file, name = frame.f_code.co_filename, frame.f_code.co_qualname.partition(".")[0]
        if event == "call" and file.startswith(str(PACKAGE)) and not name.startswith("<"):
            dotted = ".".join(Path(file).relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
            found.add(f"{dotted}:{name}")

    sys.setprofile(note)
    threading.setprofile(note)
    try:
        action()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return found


def test_all_that_runs_in_the_jobs_of_a_run_is_reached(tmp_path):
    samples, state, device = write_squares(tmp_path / "samples.h5"), tmp_path / "state", torch.device("cpu")
    teacher, student = settings(Run("cvppp", "resunet")), settings(Run("cvppp", "resunet_tiny", "grd", "resunet"), select="score")
    segmenters = {
        "truth": as_segmenter({"algorithm": "mutex", "foreground": "truth"}),
        "learned": as_segmenter({"algorithm": "mutex", "foreground": "learned", "strides": "validation"}),
    }
    evaluation = Evaluation(canvas=(48, 48), segmenters=segmenters, metric="pq", data={})
    selection = Selection(name="truth", segmenter=segmenters["truth"], metric="pq")
    student = student.model_copy(update={"selection": selection})

    def learn():
        [trained] = train([teacher], ["code"], samples, state, device)
        trained.folder(state).hand_over(tmp_path)

    def teach():
        [trained] = train([student], ["code"], samples, state, device, tmp_path / "weights.pt")
        trained.write(tmp_path / "record.json")

    def segment():
        segment_run(tmp_path / "weights.pt", samples, evaluation, tmp_path / "labels.h5", tmp_path / "model.pt", device)

    jobs = {
        ("train", "resunet", "none", "loss"): learn,
        ("distil", "resunet", "resunet_tiny", "grd", "score", "mutex", "2"): teach,
        ("segment", "resunet", "2", "mutex"): segment,
        ("score", "2"): lambda: write_score_file(tmp_path / "labels.h5", samples, tmp_path / "scores.csv"),
    }
    code = Code()
    for (script, *chosen), action in jobs.items():
        reached = set(code.reachable(SCRIPTS / f"{script}.py", chosen))
        ran = executed(action)
        assert len(ran) > 10
        assert not {name for name in ran - reached if not name.startswith(ASIDE)}, script


def test_code_that_was_edited_since_it_was_planned_is_refused(library, tmp_path):
    (tmp_path / "job.py").write_text(USES_FIRST)
    planned, now = Code(library).describe(tmp_path / "job.py", ["one"]), time.time()
    Code(library).check_unchanged([planned], tmp_path, now)
    edit(library, "losses", "# a comment", "# another")
    os.utime(library / "losses.py", (now + 60, now + 60))
    Code(library).check_unchanged([planned], tmp_path, now)
    edit(library, "losses", "HALF * x", "HALF + x")
    os.utime(library / "losses.py", (now - 90, now - 90))  # as copies that keep times do
    Code(library).check_unchanged([planned], tmp_path, float("inf"))
    with pytest.raises(GrdError, match=r"job\.py: expected the code that this call was planned with, found it edited since"):
        Code(library).check_unchanged([planned], tmp_path, now - 60)
