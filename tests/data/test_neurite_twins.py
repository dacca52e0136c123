import h5py
import minis
import numpy as np
import pytest
from skimage.measure import label

from grd.config.scales import Twin
from grd.data import readers, twins
from grd.data.archives import acquisition as archives
from grd.data.prepare import prepare
from grd.data.readers import cremi as cremi_reader
from grd.data.twins import ac34, cremi, micrographs, neurites, shapes
from grd.provenance.manifest import read_manifest

SIZE = (32, 40)
VOLUMES = ("ac34", "cremi_a", "cremi_b", "cremi_c")


@pytest.fixture(scope="module")
def labels():
    return neurites.neurites(np.random.default_rng(0), (40, 64, 64), 14)


@pytest.fixture(scope="module", params=VOLUMES)
def twin(request, tmp_path_factory):
    """A data set, its settings, and the archives of its twin in a folder."""
    dataset, folder = request.param, tmp_path_factory.mktemp(request.param)
    settings = minis.settings(dataset)
    twins.write_twin(dataset, settings, Twin(size=SIZE, seed=3), folder)
    return dataset, settings, {name: folder / name for name in settings.archives}


def test_neurites_fill_the_volume_and_each_is_one_component(labels):
    assert labels.shape == (40, 64, 64) and labels.dtype == np.int32
    assert np.array_equal(np.unique(labels), np.arange(1, labels.max() + 1))
    assert label(labels, connectivity=1).max() == labels.max()


def test_a_section_holds_neurites_of_the_wanted_diameter_and_of_many_sizes(labels):
    areas = np.concatenate([np.bincount(section.ravel()) for section in labels[:, 8:-8, 8:-8]])
    inner = areas[areas > 0]
    assert 15 <= np.mean([len(np.unique(section)) for section in labels]) <= 35
    assert inner.max() > 4 * np.median(inner)


def test_neurites_run_through_many_sections_and_shift_from_one_to_the_next(labels):
    same = np.mean(labels[1:] == labels[:-1])
    depths = np.bincount(np.concatenate([np.unique(section) for section in labels]))[1:]
    assert 0.6 < same < 0.95
    assert np.average(depths, weights=np.bincount(labels.ravel())[1:]) > 20


def test_some_neurites_branch():
    grown = neurites.neurites(np.random.default_rng(1), (60, 96, 96), 12)
    parts = [label(section, connectivity=2, background=-1).max() - len(np.unique(section)) for section in grown]
    assert max(parts) > 0


def test_pieces_of_an_id_get_ids_of_their_own_and_small_ones_are_dropped():
    labels = np.array([[[5, 5, 0, 5, 7, 5]], [[0, 0, 0, 5, 5, 0]]])
    assert neurites.relabel_components(labels, 1).tolist() == [[[1, 1, 0, 2, 3, 4]], [[0, 0, 0, 2, 2, 0]]]
    assert neurites.relabel_components(labels, 2).tolist() == [[[1, 1, 0, 2, 0, 0]], [[0, 0, 0, 2, 2, 0]]]


def test_gaps_are_filled_from_pixel_to_pixel_within_a_section():
    labels = np.array([[[1, 0, 0], [0, 0, 2]], [[0, 0, 0], [0, 0, 0]]])
    filled = neurites.fill_gaps(labels)
    assert filled[0].all() and set(np.unique(filled[0])) == {1, 2} and not filled[1].any()


def test_carving_leaves_a_line_of_one_pixel_between_ids():
    labels = np.ones((30, 1, 6), int)
    labels[..., 3:] = 2
    assert neurites.carve_borders(labels)[0].tolist() == [[1, 1, 0, 2, 2, 2]]


def test_membranes_are_darker_than_what_they_surround(labels):
    image = micrographs.electron_micrograph(np.random.default_rng(0), labels)
    membrane = np.stack([neurites.cell_borders(section) for section in labels])
    inside, line = image[~membrane].astype(float), image[membrane].astype(float)
    assert image.dtype == np.uint8 and image.shape == labels.shape
    assert inside.mean() - line.mean() > inside.std()


def test_defective_sections_resemble_nothing_and_the_others_stay_as_they_are(labels):
    image = micrographs.electron_micrograph(np.random.default_rng(0), labels[:12], defective=[5])
    assert cremi_reader.defective_sections(image) == [5]


def test_a_volume_of_one_neurite_has_no_membrane():
    image = micrographs.electron_micrograph(np.random.default_rng(0), np.ones((2, 16, 16), int))
    assert image.min() > 60


def test_the_twin_has_the_official_files_recognised_by_their_contents(twin, tmp_path):
    dataset, settings, paths = twin
    listed = read_manifest(next(iter(paths.values())).parent)
    assert {name: entry["source"] for name, entry in listed.items()} == dict.fromkeys(paths, "twin")
    without = {name: archive.model_copy(update={"url": None}) for name, archive in settings.archives.items()}
    inbox = next(iter(paths.values())).parent
    assert set(archives.obtain(dataset, settings.model_copy(update={"archives": without}), tmp_path, inbox, False)) == set(paths)


def test_the_twin_has_the_official_numbers_of_sections(twin):
    dataset, _, paths = twin
    shapes_by_name = {sample.name: sample.image.shape for sample in readers.read(dataset, paths)}
    official = {"AC3": 256, "AC4": 100} if dataset == "ac34" else {f"sample_{dataset[-1].upper()}": 125}
    assert shapes_by_name == {name: (sections, *SIZE) for name, sections in official.items()}


def test_the_labels_of_ac34_leave_membranes_out_and_those_of_cremi_do_not(twin):
    dataset, _, paths = twin
    for sample in readers.read(dataset, paths):
        without = np.mean(sample.labels == 0)
        assert 0.08 < without < 0.2 if dataset == "ac34" else without == 0


def test_the_twin_can_be_prepared(twin, tmp_path):
    dataset, settings, paths = twin
    prepare(dataset, settings, paths, tmp_path / "prepared.h5", False)
    assert (tmp_path / "prepared.h5").exists()


@pytest.fixture(params=VOLUMES)
def short(request, monkeypatch):
    """A data set whose twin has few sections, and what writes and reads it into and out of a folder."""
    monkeypatch.setattr(ac34, "SECTIONS", {"AC3": 8, "AC4": 6})
    monkeypatch.setattr(cremi, "SECTIONS", cremi.TRAINING)
    settings = minis.settings(request.param)

    def write(folder):
        twins.write_twin(request.param, settings, Twin(size=(48, 48), seed=3), folder)
        return {name: folder / name for name in settings.archives}

    return request.param, write


def test_a_twin_is_the_same_bytes_on_every_write(short, tmp_path):
    _, write = short
    one, other = write(tmp_path / "one"), write(tmp_path / "other")
    assert [path.read_bytes() for path in one.values()] == [path.read_bytes() for path in other.values()]


def test_the_reader_gets_back_the_volumes_that_were_drawn(short, tmp_path):
    dataset, write = short
    for index, sample in enumerate(readers.read(dataset, write(tmp_path))):
        draw, stream = (ac34.draw, index) if dataset == "ac34" else (cremi.draw, ord(sample.name[-1]))
        image, labels = draw(shapes.generator(3, stream), sample.name.removeprefix("sample_"), Twin(size=(48, 48)))
        restored = np.flatnonzero((image != sample.image).any((1, 2)))
        assert np.array_equal(sample.labels, labels)
        assert len(restored) == (dataset != "ac34")


@pytest.mark.parametrize("twin", VOLUMES[1:], indirect=True)
def test_a_cremi_twin_has_the_resolution_and_the_types_of_the_official_file(twin):
    _, _, paths = twin
    with h5py.File(next(iter(paths.values()))) as file:
        assert file["volumes/raw"].attrs["resolution"].tolist() == [40, 4, 4]
        assert (file["volumes/raw"].dtype, file["volumes/labels/neuron_ids"].dtype) == (np.uint8, np.uint64)
        ids = np.unique(file["volumes/labels/neuron_ids"])
    assert ids[0] > 0 and np.diff(ids).max() > 1


def test_less_drift_leaves_neurites_where_they_were(labels):
    gentle = neurites.neurites(np.random.default_rng(0), (20, 64, 64), 14, drift=0.04)
    assert np.mean(gentle[1:] == gentle[:-1]) > 0.95 > np.mean(labels[1:] == labels[:-1])
