"""A typo in config/published.yaml is reported for that file, with the nearest name; the paper's other cells are accepted."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest

from grd.errors import GrdError
from grd.project.project import Project
from grd.reporting.claims.evidence import check_claims
from grd.reporting.published import check_published

PROJECT = Project.load(Path(__file__).parents[2] / "config")


def renamed(*keys, name):
    """The project with a key of published.yaml renamed."""
    published = copy.deepcopy(PROJECT.published)
    place = published
    for key in keys[:-1]:
        place = place[key]
    place[name] = place.pop(keys[-1])
    return replace(PROJECT, published=published)


@pytest.mark.parametrize(
    ("keys", "name", "sentence"),
    [
        (("table2",), "tabel2", r"published\.yaml: unknown table 'tabel2'; did you mean 'table2'\?"),
        (("table2", "celegans"), "celegan", r"published\.yaml, table2: unknown data set 'celegan'; did you mean 'celegans'\?"),
        (("table1", "mala_tiny"), "mala_tiy", r"published\.yaml, table1: unknown network 'mala_tiy'; did you mean 'mala_tiny'\?"),
        (
            ("table2", "cvppp", "resunet_tiny-at-resunet"),
            "resunet_tny-at-resunet",
            r"published\.yaml, table2, cvppp: unknown network 'resunet_tny'; did you mean 'resunet_tiny'\?",
        ),
        (
            ("table2", "cvppp", "resunet_tiny-spkd-resunet"),
            "resunet_tiny-spdk-resunet",
            r"published\.yaml, table2, cvppp: unknown method 'spdk'; did you mean 'spkd'\?",
        ),
        (
            ("table2", "cvppp", "resunet_tiny-grd-resunet"),
            "resunet_tiny_grd-resunet",
            r"published\.yaml, table2, cvppp: expected a run NETWORK or NETWORK-METHOD-TEACHER.*, found 'resunet_tiny_grd-",
        ),
        (
            ("table5", "cvppp", "mobilenet_v2-grd-resunet-node1"),
            "mobilenet_v2-grd-resunet-nod1",
            r"published\.yaml, table5, cvppp, .*: unknown weight or option of grd 'nod'; did you mean 'node'\?",
        ),
        (
            ("table3", "ac34", "mala", "multicut"),
            "multicat",
            r"published\.yaml, table3, ac34, mala: unknown segmenter 'multicat'; did you mean 'multicut'\?",
        ),
        (
            ("table3", "ac34", "mala", "waterz", "arand"),
            "arnd",
            r"published\.yaml, table3, ac34, mala, waterz: unknown column 'arnd'; did you mean 'arand'\?",
        ),
        (
            ("table1", "resunet", "macs"),
            "mcas",
            r"published\.yaml, table1, resunet: unknown column 'mcas'; did you mean 'macs'\?",
        ),
    ],
)
def test_a_typo_names_the_file_and_the_nearest_name(keys, name, sentence):
    with pytest.raises(GrdError, match=rf"^config/{sentence}"):
        check_published(renamed(*keys, name=name))


@pytest.mark.parametrize("cell", ["88,6", True, float("nan"), float("inf")])
def test_a_cell_that_is_no_number_is_refused(cell):
    published = copy.deepcopy(PROJECT.published)
    published["table2"]["cvppp"]["resunet"]["sbd"] = cell
    with pytest.raises(GrdError, match=rf"table2, cvppp, resunet: expected a number or null in 'sbd', found {cell!r}"):
        check_published(replace(PROJECT, published=published))


def test_a_table_without_entry_is_refused():
    published = {name: rows for name, rows in PROJECT.published.items() if name != "table6"}
    with pytest.raises(GrdError, match=r"published\.yaml: expected an entry 'table6', found none"):
        check_published(replace(PROJECT, published=published))


def test_what_the_experiments_leave_out_is_accepted():
    first = {name: entry.model_copy(update={"runs": entry.runs[:1]}) for name, entry in PROJECT.experiments.items()}
    fewer = {name: entry for name, entry in first.items() if name not in ("table4", "table6")}
    published = {**PROJECT.published, "table5": {}}
    check_published(replace(PROJECT, experiments=fewer))
    check_published(replace(PROJECT, published=published))


def test_a_claim_about_a_cell_that_published_yaml_lacks_names_both_files():
    project = renamed("table5", "cvppp", "mobilenet_v2-grd-resunet-node1", name="mobilenet_v2-grd-resunet-node10")
    with pytest.raises(GrdError, match=r"config/claims\.yaml, .*: unknown cell of config/published\.yaml 'table5 .*-node1"):
        check_claims(project)
