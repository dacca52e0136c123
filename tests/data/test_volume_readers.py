import logging
import re

import h5py
import minis
import numpy as np
import pytest
import tifffile
from scipy.ndimage import gaussian_filter
from skimage.io import imsave

from grd.data import readers
from grd.data.readers import ac34, cremi, volumes
from grd.errors import GrdError

HDF = "sample_A_20160501.hdf"
PACKAGE = "AC3AC4Package.zip"
SHAPE = (3, 4, 5)
RAW = np.arange(60, dtype=np.uint8).reshape(SHAPE)
NEURONS = np.full(SHAPE, 70, np.uint64)
NEURONS[:, 2:], NEURONS[0, 0, 0], NEURONS[0, 0, 1] = 9, 2**64 - 1, 0


def hdf(folder, raw=RAW, neurons=NEURONS, paths=(cremi.RAW, cremi.NEURONS), name=HDF, **options):
    """An HDF5 file of two datasets; one that is None is left out."""
    with h5py.File(folder / name, "w") as file:
        for path, volume in zip(paths, (raw, neurons), strict=False):
            if volume is not None:
                file.create_dataset(path, data=volume, **options)
    return {name: folder / name}


def sections(count, size=(64, 64)):
    """A volume whose sections resemble each other the more, the closer they are."""
    noise = np.random.default_rng(0).standard_normal((count, *size))
    smooth = gaussian_filter(noise, (2.5, 3, 3))
    return np.rint(128 + 40 * smooth / smooth.std()).clip(0, 255).astype(np.uint8)


def colours(ids):
    """Ids as a colour image, R * 65536 + G * 256 + B."""
    return np.stack([ids >> 16 & 255, ids >> 8 & 255, ids & 255], axis=-1).astype(np.uint8)


def package(folder, changes=None, ac3=2, ac4=2):
    """A package of small sections: section k has the grey value k; AC3 is numbered from 0, the labels of AC4 from 1, and those of
    the last section come first."""
    labels = np.zeros((4, 5), int)
    labels[1:], labels[3] = 70_000, 66_051
    members = {}
    for number in range(ac3):
        members[f"x/Thousand_highmag_256slices_2kcenter_1k_inv_{number:04d}.png"] = np.full((4, 5), number, np.uint8)
        members[f"x/ac3_dbseg_images/ac3_daniel_s{number:04d}.png"] = colours(labels)
    for number in range(ac4):
        members[f"affinecropped4_inv_{number:04d}.png"] = np.full((4, 5), number, np.uint8)
        members[f"ac4_seg_daniel/ac4_daniel_s{ac4 - number:04d}.png"] = colours(labels + number)
    encoded = {name: minis.encode(array) for name, array in (members | (changes or {})).items() if array is not None}
    return {PACKAGE: minis.write_zip(folder / PACKAGE, encoded)}


def pairs(folder, *names):
    archives = {}
    for name in names:
        archives |= hdf(folder, *((RAW, None) if "inputs" in name else (NEURONS, None)), paths=("main", ""), name=name)
    return archives


def test_a_cremi_sample_is_its_raw_volume_and_the_consecutive_ids_of_its_neurons(tmp_path):
    (sample,) = readers.read("cremi_a", hdf(tmp_path))
    assert sample.name == "sample_A" and np.array_equal(sample.image, RAW)
    assert sample.labels.dtype == np.uint16
    assert sample.labels[0].tolist() == [[0, 0, 2, 2, 2], [2] * 5, [1] * 5, [1] * 5]
    assert sample.labels[1].tolist() == [[2] * 5, [2] * 5, [1] * 5, [1] * 5]


def test_chunks_of_several_sections_are_read_like_one(tmp_path):
    (plain,), (chunked,) = (
        cremi.read(hdf(tmp_path, **options), sample="A") for options in ({}, {"chunks": (2, 2, 2), "compression": "gzip"})
    )
    assert np.array_equal(plain.labels, chunked.labels)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"neurons": NEURONS[:2]}, r"hdf: volumes/labels/neuron_ids: expected integer labels of shape \(3, 4, 5\).*\(2, 4, 5\)"),
        ({"neurons": NEURONS.astype(float)}, r"volumes/labels/neuron_ids: .*found float64"),
        ({"neurons": None}, r"hdf: expected a dataset volumes/labels/neuron_ids, found volumes/raw;"),
        ({"raw": np.where(RAW < 2, np.nan, RAW)}, r"volumes/raw: .*found float64 of shape \(3, 4, 5\) with 2 NaN voxels"),
        ({"raw": RAW[0], "neurons": NEURONS[0]}, r"volumes/raw: expected a volume .*found shape \(4, 5\)"),
        ({"raw": RAW[:0], "neurons": NEURONS[:0]}, r"volumes/raw: expected a volume .*found shape \(0, 4, 5\)"),
        ({"neurons": NEURONS * 0}, r"neuron_ids: expected instances in labels of shape \(3, 4, 5\), found only 0"),
    ],
)
def test_faults_of_a_volume_are_named_with_file_dataset_and_shape(tmp_path, changes, message):
    with pytest.raises(GrdError, match=message):
        list(cremi.read(hdf(tmp_path, **changes), sample="A"))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_damaged_hdf5_file_is_named(tmp_path, share):
    noise = np.random.default_rng(0).integers(0, 256, (8, 32, 32), np.uint8)
    (path,) = hdf(tmp_path, noise, noise.astype(np.uint64), chunks=True, compression="gzip").values()
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(GrdError, match=r"sample_A_20160501\.hdf: expected a readable HDF5 file, found a damaged one"):
        list(cremi.read({HDF: path}, sample="A"))


def test_more_ids_than_16_bits_hold_are_refused():
    blocks = np.arange(65_536, dtype=np.uint32).reshape(2, 1, 32_768)
    assert volumes.relabel_blocks(blocks[:, None], (2, 1, 32_768), "here").max() == 65_535
    with pytest.raises(GrdError, match="here: expected at most 65535 ids, found 65536 or more"):
        volumes.relabel_blocks(blocks[:, None] + 1, (2, 1, 32_768), "here")


def test_good_sections_are_left_alone():
    assert cremi.defective_sections(sections(12)) == []


@pytest.mark.parametrize("spoilt", [[0], [4], [5, 6], [3, 4, 5], [2, 7], [11]])
def test_blank_sections_are_found_at_the_ends_too(spoilt):
    raw = sections(12)
    raw[spoilt] = np.random.default_rng(1).integers(127, 129, (len(spoilt), 64, 64))
    assert cremi.defective_sections(raw) == spoilt


@pytest.mark.parametrize("spoilt", [[4], [5, 6], [2, 7]])
def test_sections_of_noise_are_found_between_good_ones(spoilt):
    raw = sections(12)
    raw[spoilt] = np.random.default_rng(1).integers(0, 255, (len(spoilt), 64, 64))
    assert cremi.defective_sections(raw) == spoilt


def test_where_the_sections_jump_sideways_none_is_defective():
    raw = sections(12)
    raw[6:] = np.roll(raw[6:], 20, axis=2)
    assert cremi.defective_sections(raw) == []


def test_volumes_of_nothing_but_noise_have_no_defective_section():
    assert cremi.defective_sections(np.random.default_rng(0).integers(0, 256, (30, 6, 8), np.uint8)) == []
    assert cremi.defective_sections(np.zeros((5, 2, 2), np.uint8)) == []


def test_defective_sections_are_interpolated_between_the_nearest_good_ones():
    raw = np.array([9, 0, 30, 1, 1, 60, 7], np.uint8).reshape(7, 1, 1)
    assert cremi.interpolate_sections(raw, [0, 3, 4, 6]).ravel().tolist() == [0, 0, 30, 40, 50, 60, 60]


def test_the_reader_replaces_a_defective_section_and_says_which(tmp_path, caplog):
    raw = sections(8)
    raw[3] = 0
    (sample,) = cremi.read(hdf(tmp_path, raw, np.ones(raw.shape, np.uint64)), sample="A")
    assert np.abs(sample.image[3] - (raw[2] / 2 + raw[4] / 2)).max() <= 0.5
    assert "sections 3 of volumes/raw are defective" in caplog.text and caplog.records[0].levelno == logging.WARNING


def test_the_package_holds_both_volumes_paired_by_the_order_of_their_sections(tmp_path):
    ac3, ac4 = readers.read("ac34", package(tmp_path, ac3=3))
    assert (ac3.name, ac4.name) == ("AC3", "AC4")
    assert ac3.image.shape == ac3.labels.shape == (3, 4, 5) and ac3.image.dtype == np.uint8
    assert ac4.image[:, 0, 0].tolist() == [0, 1]
    assert ac4.labels[:, :, 0].tolist() == [[0, 4, 4, 2], [1, 5, 5, 3]]  # 0 70000 70000 66051, then each one more


@pytest.mark.parametrize("backwards", [False, True])
def test_labels_of_the_package_take_the_order_in_which_borders_are_dark(tmp_path, backwards):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, (12, 4, 5)) * 70_000
    images = np.where(labels > 0, 160, 60) + rng.integers(0, 40, labels.shape)
    changes = {}
    for number in range(12):
        changes[f"affinecropped4_inv_{number:04d}.png"] = images[number].astype(np.uint8)
        place = 12 - number if backwards else number + 1
        changes[f"ac4_seg_daniel/ac4_daniel_s{place:04d}.png"] = colours(labels[number])
    *_, ac4 = ac34.read(package(tmp_path, changes))
    assert np.array_equal(ac4.image, images) and np.array_equal(ac4.labels, labels > 0)


def test_sections_are_sorted_by_their_numbers_not_by_their_names(tmp_path):
    tenth = {"affinecropped4_inv_10.png": np.full((4, 5), 200, np.uint8), "ac4_daniel_s00010.png": colours(np.ones((4, 5), int))}
    *_, ac4 = ac34.read(package(tmp_path, tenth))
    assert ac4.image[:, 0, 0].tolist() == [0, 1, 200]


def test_ids_are_the_three_bytes_of_a_colour_without_alpha():
    assert ac34.ids(np.array([[[1, 2, 3, 255]]], np.uint8)).tolist() == [[66_051]]
    assert ac34.ids(np.array([[7]], np.uint16)).tolist() == [[7]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ac4_seg_daniel/ac4_daniel_s0002.png": None}, "sections of labels as of images in AC4, found 1 and 2"),
        (
            {"affinecropped4_inv_0001.png": np.zeros((4, 6), np.uint8)},
            r"uint8 of shape \(4, 6\) in affinecropped4_inv_0001",
        ),
        ({"ac4_seg_daniel/ac4_daniel_s0001.png": colours(np.ones((2, 5), int))}, r"shape \(2, 5\) in ac4_seg_daniel"),
        ({"affinecropped4_inv_0001.png": np.zeros((4, 5), np.uint16)}, r"found uint16 of shape \(4, 5\)"),
    ],
)
def test_faults_of_the_package_are_named(tmp_path, changes, message):
    with pytest.raises(GrdError, match=f"AC3AC4Package.zip: expected .*{message}"):
        list(ac34.read(package(tmp_path, changes)))


def test_a_damaged_section_is_named(tmp_path):
    (path,) = package(tmp_path).values()
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"IDAT", b"JDAT"))
    with pytest.raises(GrdError, match=r"expected a readable image in x/Thousand_\w+\.png"):
        list(ac34.read({PACKAGE: path}))


def test_a_package_without_ac3_is_refused_or_where_allowed_read_without_it(tmp_path):
    archives = package(tmp_path, ac3=0)
    with pytest.raises(GrdError, match=r"found no AC3; complete the archives, or accept this with 'allow_missing: \[ac34\]'"):
        list(ac34.read(archives))
    assert [sample.name for sample in ac34.read(archives, allow_missing=True)] == ["AC4"]


def test_pairs_of_hdf5_files_stand_in_for_the_package(tmp_path):
    archives = pairs(tmp_path, "AC3_inputs.h5", "AC3_labels.h5", "AC4_inputs.h5", "AC4_labels.h5")
    ac3, ac4 = ac34.read(archives)
    assert np.array_equal(ac3.image, RAW) and np.array_equal(ac4.labels, ac3.labels) and ac3.labels.max() == 2


def test_an_hdf5_file_without_main_is_named_with_what_it_has(tmp_path):
    archives = pairs(tmp_path, "AC4_labels.h5") | hdf(tmp_path, RAW, None, paths=("raw",), name="AC4_inputs.h5")
    with pytest.raises(GrdError, match=r"AC4_inputs\.h5: expected a dataset main, found raw;"):
        list(ac34.read(archives, allow_missing=True))


def test_inputs_without_labels_are_no_volume(tmp_path):
    with pytest.raises(GrdError, match="found no AC3"):
        list(ac34.read(pairs(tmp_path, "AC3_inputs.h5")))


def test_the_tifs_of_snemi3d_are_ac4(tmp_path):
    archives = {name: tmp_path / name for name in ("train-input.tif", "train-labels.tif")}
    raw = np.arange(100, dtype=np.uint8).reshape(5, 4, 5)
    for path, volume in zip(archives.values(), (raw, raw.astype(np.uint16) // 50), strict=True):
        imsave(path, volume, check_contrast=False)
    with pytest.raises(GrdError, match=r"train-labels\.tif: expected the volumes AC3 and AC4, found no AC3"):
        list(ac34.read(archives))
    (sample,) = ac34.read(archives, allow_missing=True)
    assert sample.name == "AC4" and np.array_equal(sample.image, raw) and sample.labels.sum() == 50


def test_a_damaged_tif_is_named(tmp_path):
    archives = {name: tmp_path / name for name in ("train-input.tif", "train-labels.tif")}
    for path in archives.values():
        tifffile.imwrite(path, RAW, photometric="minisblack")
    archives["train-labels.tif"].write_bytes(archives["train-labels.tif"].read_bytes()[:60])
    with pytest.raises(GrdError, match=r"train-labels\.tif: expected a readable file"):
        list(ac34.read(archives, allow_missing=True))


def test_a_cremi_sample_is_the_middle_of_its_sections(tmp_path, monkeypatch):
    monkeypatch.setattr(cremi, "SIDE", 2)
    spoilt = NEURONS.copy()
    spoilt[:, 0] = 8  # an id that the middle does not have
    (sample,) = cremi.read(hdf(tmp_path, neurons=spoilt), sample="A")
    assert np.array_equal(sample.image, RAW[:, 1:3, 1:3])
    assert sample.labels.tolist() == [[[2, 2], [1, 1]]] * 3 and sample.labels.dtype == np.uint16


def test_the_authors_files_of_cremi_replace_the_official_one(tmp_path):
    archives = pairs(tmp_path, *cremi.restored_names("B"))
    (sample,) = readers.read("cremi_b", archives)
    (official,) = cremi.read(hdf(tmp_path), sample="A")
    assert sample.name == "sample_B" and np.array_equal(sample.image, RAW)
    assert np.array_equal(sample.labels, official.labels)


@pytest.mark.parametrize("letter", "abc")
def test_files_of_cremi_that_are_padded_or_not_restored_are_not_taken(letter):
    settings = minis.settings(f"cremi_{letter}")
    (official,), (inputs, labels) = settings.archives.values(), settings.alternatives[0].values()
    for archive, good, bad in (
        (official, f"sample_{letter.upper()}_20160501.hdf", f"sample_{letter.upper()}_padded_20160501.hdf"),
        (inputs, f"cremi{letter.upper()}_inputs_interp.h5", f"cremi{letter.upper()}_inputs.h5"),
        (labels, f"cremi{letter.upper()}_labels.h5", "cremiX_labels.h5"),
    ):
        assert re.search(archive.named, good) and not re.search(archive.named, bad)
