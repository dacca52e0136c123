import minis
import numpy as np
import pytest
from skimage.measure import label

from grd.config.scales import Twin
from grd.data import readers, twins
from grd.data.archives import acquisition as archives
from grd.data.prepare import prepare
from grd.data.splits import split_names
from grd.data.twins import bbbc039, celegans, cvppp, shapes
from grd.errors import GrdError
from grd.provenance.manifest import read_manifest
from grd.system.digests import sha256

SIZE = (48, 48)
DRAWN = {
    "cvppp": lambda rng, size: cvppp.draw(rng, size)[1],
    "celegans": lambda rng, size: celegans.flatten(celegans.draw(rng, size)[2]),
    "bbbc039": lambda rng, size: bbbc039.draw(rng, size)[1],
}


@pytest.fixture(scope="module", params=DRAWN)
def twin(request, tmp_path_factory):
    """A data set, and the archives of its twin in a folder."""
    dataset, folder = request.param, tmp_path_factory.mktemp(request.param)
    settings = minis.settings(dataset)
    twins.write_twin(dataset, settings, Twin(size=SIZE, seed=3), folder)
    return dataset, settings, {name: folder / name for name in settings.archives}


def test_a_twin_has_every_archive_under_its_official_name_and_says_that_it_is_a_twin(twin):
    _, settings, paths = twin
    listed = read_manifest(next(iter(paths.values())).parent)
    assert {name: entry["source"] for name, entry in listed.items()} == dict.fromkeys(settings.archives, "twin")
    assert all(listed[name]["sha256"] == sha256(path) for name, path in paths.items())


def test_the_archives_of_a_twin_are_recognised_by_their_contents(twin, tmp_path):
    dataset, settings, paths = twin
    inbox = next(iter(paths.values())).parent
    without = {name: archive.model_copy(update={"url": None}) for name, archive in settings.archives.items()}
    settings = settings.model_copy(update={"archives": without})
    assert set(archives.obtain(dataset, settings, tmp_path, inbox, False)) == set(paths)


def test_a_twin_holds_the_samples_of_the_official_split(twin):
    dataset, settings, paths = twin
    splits = split_names(settings, paths)
    sizes = {"cvppp": (98, 10, 20), "celegans": (40, 10, 50), "bbbc039": (100, 50, 50)}[dataset]
    assert tuple(map(len, splits.values())) == sizes
    names = [sample.name for sample in readers.read(dataset, paths)]
    assert names == sorted(name for listed in splits.values() for name in listed)


def test_the_readers_get_back_the_instances_that_were_drawn(twin):
    dataset, _, paths = twin
    for index, sample in zip(range(20), readers.read(dataset, paths), strict=False):
        drawn = DRAWN[dataset](shapes.generator(3, index), SIZE)
        assert sample.labels.max() == drawn.max() and np.array_equal(sample.labels > 0, drawn > 0)
        assert np.array_equal(*(np.sort(np.bincount(labels[labels > 0])[1:]) for labels in (sample.labels, drawn)))


def test_every_instance_of_a_twin_is_visible(twin):
    dataset, _, paths = twin
    for sample in readers.read(dataset, paths):
        assert np.bincount(sample.labels.ravel())[1:].min() >= shapes.SMALLEST


def test_a_twin_can_be_prepared(twin, tmp_path):
    dataset, settings, paths = twin
    prepare(dataset, settings, paths, tmp_path / "prepared.h5", False)
    assert (tmp_path / "prepared.h5").exists()


def test_a_twin_is_the_same_bytes_on_every_write(twin, tmp_path):
    dataset, settings, paths = twin
    twins.write_twin(dataset, settings, Twin(size=SIZE, seed=3), tmp_path)
    assert all((tmp_path / name).read_bytes() == path.read_bytes() for name, path in paths.items())


@pytest.mark.parametrize("dataset", DRAWN)
def test_another_seed_draws_other_images(dataset):
    draw = {"cvppp": cvppp.draw, "celegans": celegans.draw, "bbbc039": bbbc039.draw}[dataset]
    one, other = (draw(shapes.generator(seed, 0), SIZE)[0] for seed in (0, 1))
    assert not np.array_equal(one, other)


def test_an_unknown_twin_is_refused_with_the_nearest_name(tmp_path):
    with pytest.raises(GrdError, match="did you mean 'cvppp'"):
        twins.write_twin("cvpp", minis.settings("cvppp"), Twin(size=SIZE), tmp_path)


def test_leaves_overlap_and_nuclei_touch_and_worms_cross():
    generator, size = shapes.generator(0, 0), (104, 139)
    leaves = cvppp.draw(generator, size)[1]
    nuclei = bbbc039.draw(generator, size)[1]
    worms = np.sum([worm for index in range(3) for worm in celegans.draw(shapes.generator(0, index), size)[2]], axis=0)
    assert label(leaves > 0).max() < leaves.max()
    assert label(nuclei > 0).max() < nuclei.max()
    assert worms.max() > 1


def test_touching_nuclei_have_different_colours():
    labels = np.array([[1, 1, 2, 2], [3, 3, 4, 4]])
    assert bbbc039.colouring(labels).tolist() == [[1, 1, 2, 2], [2, 2, 1, 1]]


def test_a_nucleus_for_which_no_colour_is_left_is_left_out():
    labels = np.array([[1, 1, 1, 1], [2, 4, 4, 1], [2, 2, 3, 1], [2, 2, 3, 3]])
    assert bbbc039.colouring(labels)[1].tolist() == [2, 0, 0, 1]


def test_hidden_masks_are_left_out_and_hide_nothing(monkeypatch):
    monkeypatch.setattr(shapes, "SMALLEST", 2)
    below, hidden, top = (np.array([row], bool) for row in ([1, 1, 1, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 1, 1]))
    assert shapes.visible_masks([below, hidden, top]) == [0, 2]


def test_a_worm_covers_no_more_of_another_than_allowed():
    lying, standing = np.full((20, 20), -1.0), np.full((20, 20), -1.0)
    lying[8:11, :], standing[:, 8:11] = 1, 1  # crossing in 9 of 60 pixels
    assert celegans._fits([lying], standing, limit=0.2)
    assert not celegans._fits([lying], standing, limit=0.1)


def test_values_beyond_the_camera_are_clipped():
    pixels = shapes.tif16(np.array([[-5.0, 1.6, 9999.0]]))
    assert pixels.endswith(np.array([0, 2, 4095], "<u2").tobytes())


@pytest.mark.parametrize(("dataset", "area"), [("celegans", 225), ("bbbc039", 175)])
def test_magnification_enlarges_objects_and_leaves_fewer_of_them(dataset, area):
    draw = {"celegans": lambda *a: celegans.flatten(celegans.draw(*a)[2]), "bbbc039": lambda *a: bbbc039.draw(*a)[1]}[dataset]
    for magnification in (1, 2):
        drawn = [draw(shapes.generator(0, index), (160, 208), magnification) for index in range(8)]
        sizes = np.concatenate([np.bincount(labels.ravel())[1:] for labels in drawn])
        assert np.median(sizes) == pytest.approx(area * magnification**2, rel=0.2)


def test_about_as_many_nuclei_and_worms_touch_as_in_the_real_images():
    """41 % of the worms of BBBC010's training images and 27 % of the nuclei of BBBC039's touch another one."""
    worms = [celegans.flatten(celegans.draw(shapes.generator(0, n), (160, 208), 2)[2]) for n in range(40)]
    nuclei = [bbbc039.draw(shapes.generator(0, n), (160, 208), 2)[1] for n in range(40)]
    for drawn, real in ((worms, 0.41), (nuclei, 0.27)):
        shares = [len(touching(labels)) / labels.max() for labels in drawn]
        assert np.mean(shares) == pytest.approx(real, abs=0.1)


def touching(labels):
    """Ids of instances with a pixel beside another instance's."""
    found = set()
    for one, other in ((labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1])):
        border = (one != other) & (one > 0) & (other > 0)
        found |= {*one[border].tolist(), *other[border].tolist()}
    return found
