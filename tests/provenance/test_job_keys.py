"""Jobs and what decides them: the table that rules, tables and figures take their inputs and parameters from."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from apply.own_data import copy_project, write_pairs

from grd.apply.own_dataset import import_folders
from grd.project.project import Project
from grd.project.run import Run
from grd.provenance.job_keys import JOBS, Job, Keys, training_of
from grd.system.digests import digest_of

ROOT = Path(__file__).parents[2]
STUDENT = Run("cvppp", "mobilenet_v2", "grd", "resunet")
OTHER = Run("cvppp", "mobilenet_v2", "at", "resunet")


def keys(**changes):
    general = yaml.safe_load((ROOT / "config/config.yaml").read_text()) | changes
    return Keys(Project.load(ROOT / "config", general), ROOT / "workflow/scripts")


@pytest.fixture(scope="module")
def unchanged():
    return keys()


def test_every_script_has_a_kind_of_job_and_every_kind_a_script():
    assert {kind.script for kind in JOBS.values()} == {path.stem for path in (ROOT / "workflow/scripts").glob("*.py")}


def test_the_road_from_a_table_leads_back_to_the_archives(unchanged):
    reached, waiting = set(), [Job("table", experiment="table2")]
    while waiting:
        job = waiting.pop()
        reached.add(job.kind)
        waiting += unchanged.inputs(job)
    road = {"table", "score", "segment", "distil", "train", "prepare_samples", "obtain_archives"}
    assert reached == road


def test_a_setting_changes_the_keys_after_it_and_no_others(unchanged):
    changed = keys(fidelity={"inter_affinity": "released"})
    assert changed.key(training_of(STUDENT)) != unchanged.key(training_of(STUDENT))
    assert changed.made_of(Job("score", "cvppp", STUDENT)) != unchanged.made_of(Job("score", "cvppp", STUDENT))
    samples = Job("prepare_samples", "cvppp")
    assert changed.key(samples) == unchanged.key(samples) and changed.code(samples) == unchanged.code(samples)


def test_students_of_other_methods_have_other_code(unchanged):
    assert unchanged.code(training_of(STUDENT)) != unchanged.code(training_of(OTHER))


def test_a_rule_is_given_settings_code_and_the_key_of_its_inputs(unchanged):
    parameters = unchanged.identity("segment")
    assert list(parameters) == ["evaluation", "code", "made_of"]
    wildcards = SimpleNamespace(dataset="cvppp", run=STUDENT.name)
    assert parameters["evaluation"](wildcards)["metric"] == "sbd"
    assert parameters["made_of"](wildcards) == unchanged.made_of(Job("segment", "cvppp", STUDENT))


def test_where_archives_come_from_decides_nothing(unchanged):
    assert keys(data="elsewhere").key(Job("report")) == unchanged.key(Job("report"))


def test_all_that_is_shown_is_plain_values(unchanged):
    for job in (Job("table", experiment="table3"), Job("claims")):
        shown = unchanged.settings(job)["shown"]
        assert digest_of(yaml.safe_load(yaml.safe_dump(shown))) == digest_of(shown)


def test_claims_and_tables_are_made_again_for_another_setting_or_scale(unchanged):
    changed = keys(fidelity={"edges": "paper"})
    assert changed.settings(Job("claims"))["shown"]["settings"] != unchanged.settings(Job("claims"))["shown"]["settings"]
    other = keys(scale="trial")
    for job in (Job("table", experiment="table4"), Job("claims")):
        assert other.settings(job)["shown"]["scale"] != unchanged.settings(job)["shown"]["scale"]


def test_a_comment_in_a_split_file_decides_nothing_an_entry_does(tmp_path, unchanged):
    split = tmp_path / "split.yaml"
    original = (ROOT / "config/splits/celegans.yaml").read_text()
    datasets = {
        **unchanged.project.datasets,
        "celegans": unchanged.project.dataset("celegans").model_copy(update={"split": split}),
    }
    samples = Job("prepare_samples", "celegans")
    drawn = Job("obtain_archives", "celegans")
    settings, of_twin = [], []
    swapped = original.replace("A05", "x", 1).replace("C21", "A05", 1).replace("x", "C21", 1)
    for text in (original, f"{original}# a comment\n", original.replace("A05", "E25", 1), swapped):
        split.write_text(text)
        found = Keys(replace(unchanged.project, datasets=datasets), unchanged.scripts)
        settings.append(found.settings(samples)["split_digest"])
        of_twin.append(found.settings(drawn)["twin_names"])
    assert settings[0] == settings[1] != settings[2] != settings[3] != settings[0]
    assert of_twin[0] == of_twin[1] == of_twin[3] != of_twin[2]  # a twin is drawn for the names, whatever split they are in


def test_official_archives_do_not_depend_on_the_split():
    official, split = keys(scale="trial"), Job("obtain_archives", "celegans")
    assert official.settings(split)["twin_names"] == ""
    assert official.settings(Job("prepare_samples", "celegans"))["split_digest"] != ""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A copy of config/ with a data set of the user's own, and the folder of its masks."""
    copy_project(tmp_path, monkeypatch)
    images, masks = write_pairs(tmp_path / "own")
    import_folders("mine", images, masks)
    return masks


def keys_here(scale="own"):
    general = yaml.safe_load(Path("config/config.yaml").read_text()) | {"scale": scale}
    return Keys(Project.load(config=general), ROOT / "workflow/scripts")


def jobs_of(project, dataset):
    runs = [run for run in project.known_runs() if run.dataset == dataset]
    return [Job("prepare_samples", dataset), *map(training_of, runs), *(Job("score", dataset, run) for run in runs)]


def test_own_data_change_no_key_of_other_jobs(own, unchanged):
    here = keys_here("demo")
    jobs = [*jobs_of(unchanged.project, "cvppp"), Job("table", experiment="table2"), Job("claims"), Job("report")]
    assert {job: here.key(job) for job in jobs} == {job: unchanged.key(job) for job in jobs}


def keys_of(dataset):
    here = keys_here()
    return {job: here.key(job) for job in jobs_of(here.project, dataset)}


def test_a_mask_that_changes_changes_the_keys_of_all_that_is_made_of_it(own):
    mine, others = keys_of("mine"), keys_of("celegans")
    (own / "cell0_mask.tif").write_bytes((own / "cell1_mask.tif").read_bytes())
    assert len(mine) == 7 and all(key != mine[job] for job, key in keys_of("mine").items())
    assert keys_of("celegans") == others


def test_a_mask_that_is_touched_or_lies_elsewhere_changes_no_key(own):
    before, moved = keys_of("mine"), own.with_name("elsewhere")
    (own / "cell0_mask.tif").touch()
    own.rename(moved)
    path = Path("config/datasets.yaml")
    path.write_text(path.read_text().replace(str(own), str(moved)))
    assert keys_of("mine") == before


def test_a_mask_that_is_gone_stops_no_planning(own):
    (own / "cell0_mask.tif").unlink()
    Path("config/folders/mine.json").unlink()
    assert all(keys_of("mine").values())


def test_own_data_depend_on_the_code_that_reads_folders_and_on_no_other_reader(own):
    code, scripts = keys_here()._code, ROOT / "workflow/scripts"
    here = keys_here()
    for job, module in ((Job("prepare_samples", "mine"), "folder"), (Job("prepare_samples", "cvppp"), "cvppp")):
        reached = code.reachable(scripts / "prepare_samples.py", [*map(str, JOBS[job.kind].chosen(here.project, job))])
        readers = {name.split(":")[0].rpartition(".")[2] for name in reached if name.startswith("grd.data.readers.")}
        assert module in readers and ({"folder", "cvppp", "bbbc039", "cremi", "ac34"} & readers) == {module}
