"""`grd import` makes a data set of two folders: a split, a list of files, and entries at the end of config/'s files."""

import errno
import json
import re
from itertools import chain
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import tifffile
import yaml
from apply.own_data import copy_project, write, write_pairs, write_volumes
from PIL import Image

from grd.apply import own_dataset
from grd.apply.own_dataset import import_folders
from grd.apply.own_settings import crop_side, shifts_for
from grd.config.parsing import read_yaml
from grd.config.splits import read_lists
from grd.data.archives.provision import provide, read_record
from grd.data.prepare import prepare
from grd.data.store import SPLITS, read_split
from grd.errors import GrdError
from grd.networks import build
from grd.project.project import Project
from grd.project.run import Run

SCALES = sorted(path.stem for path in (Path(__file__).parents[2] / "config/scales").glob("*.yaml"))


@pytest.fixture
def project(tmp_path, monkeypatch):
    return copy_project(tmp_path, monkeypatch)


def contents(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def prepared(name, folder=Path("results")):
    """The samples file of a data set, made as the pipeline makes it."""
    source = Project.load(config=read_yaml(Path("config/config.yaml")) | {"scale": "own"}).dataset(name)
    provide(name, source, folder, folder, None, folder / "record.json")
    prepare(name, source, read_record(folder / "record.json", folder), folder / "samples.h5", False)
    return folder / "samples.h5"


def test_images_and_masks_become_a_data_set_that_every_scale_takes(project):
    before = contents(project / "config")
    said = import_folders("mine", *write_pairs(project / "data set"))
    after = contents(project / "config")
    grown = {path.name for path in before if after[path] != before[path]}
    assert grown == {"datasets.yaml", "experiments.yaml"} and all(after[path].startswith(old) for path, old in before.items())
    new = sorted(path.relative_to(project).as_posix() for path in after.keys() - before.keys())
    assert new == ["config/folders/mine.json", "config/splits/mine.yaml"]
    for scale in SCALES:
        loaded = Project.load(config=read_yaml(Path("config/config.yaml")) | {"scale": scale})
        assert [run.name for run in loaded.runs("table_mine")] == ["resunet-s0", "resunet_tiny-s0", "resunet_tiny-grd-resunet-s0"]
        assert all(loaded.settings(run) for run in loaded.runs("table_mine"))
        assert "mine" not in {run.dataset for run in loaded.all_runs()}
    assert said.splitlines()[:3] == [
        "5 images with masks: 48 x 48 pixels, uint16, grey",
        "objects: 5 in each (median 5), 14 pixels wide in the median",
        "split: 3 for training, 1 for validation, 1 for test",
    ]
    assert "snakemake --cores all --config scale=own -- table_mine" in said


@pytest.mark.parametrize("name", ["datasets", "experiments"])
def test_files_that_have_grown_agree_with_their_schemas(project, name):
    import_folders("mine", *write_pairs(project / "own"))
    schema = json.loads((project / f"config/schema/{name}.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(yaml.safe_load((project / f"config/{name}.yaml").read_text()))


def test_the_samples_are_those_of_the_files(project):
    images, masks = write_pairs(project / "own")
    import_folders("mine", images, masks)
    path = prepared("mine")
    for split in SPLITS:
        found = read_split(path, split)
        for name, image, labels in zip(found.names, found.images, found.labels, strict=True):
            stored = tifffile.imread(images / f"{name}.tif")
            assert np.array_equal(image.argsort(axis=None, kind="stable"), stored.argsort(axis=None, kind="stable"))
            assert np.array_equal(labels > 0, tifffile.imread(masks / f"{name}_mask.tif") > 0)


def test_the_split_is_drawn_by_the_seed_alone(project):
    images, masks = write_pairs(project / "own", 10)
    for name, seed in (("one", 0), ("two", 0), ("three", 1)):
        import_folders(name, images, masks, seed=seed)
    one, two, three = (read_lists(Path(f"config/splits/{name}.yaml")) for name in ("one", "two", "three"))
    assert one == two != three
    assert [len(names) for names in one.values()] == [6, 2, 2]
    assert sorted(chain(*one.values())) == [f"cell{number}" for number in range(10)]


def test_three_images_are_one_for_each_split_and_two_are_too_few(project):
    import_folders("mine", *write_pairs(project / "own", 3))
    assert [len(names) for names in read_lists(Path("config/splits/mine.yaml")).values()] == [1, 1, 1]
    with pytest.raises(GrdError, match=r"images: expected at least 3 images with masks, .*, found 2; add some"):
        import_folders("less", *write_pairs(project / "less", 2))


def test_images_of_different_sizes_have_a_canvas_and_a_crop_that_fit_all(project):
    said = import_folders("mine", *write_pairs(project / "own", 4, sizes=(96, 150)))
    entry = read_yaml(Path("config/datasets.yaml"))["mine"]
    assert (entry["shape"], entry["canvas"], entry["augment"]["crop"]) == ([150, 150], [160, 160], [64, 64])
    assert "96 x 96 to 150 x 150 pixels" in said
    assert not read_split(prepared("mine"), "test").stacked


def test_colour_images_are_normalised_as_photographs(project):
    images, masks = write_pairs(project / "own", 3)
    for path in images.iterdir():
        grey = tifffile.imread(path)
        Image.fromarray(np.dstack([(grey // 10).astype(np.uint8)] * 3)).save(path.with_suffix(".png"))
        path.unlink()
    assert "uint8, in colours" in import_folders("mine", images, masks)
    entry = read_yaml(Path("config/datasets.yaml"))["mine"]
    assert entry["shape"] == [48, 48, 3] and entry["normalisation"] == "imagenet"
    assert read_split(prepared("mine"), "test").images.shape == (1, 48, 48, 3)


def test_a_mask_file_per_object_is_a_data_set_too(project):
    for number in range(3):
        for place in range(2):
            mask = np.zeros((40, 40), np.uint8)
            mask[5 + 20 * place : 15 + 20 * place, 5:20] = 255
            write(project / f"train/n{number}/masks/{place}.tif", mask)
        write(project / f"train/n{number}/images/n{number}.tif", np.full((40, 40), number, np.uint8))
    said = import_folders("mine", Path("train"), Path("train"))
    assert "objects: 2 in each (median 2), 14 pixels wide" in said
    assert read_split(prepared("mine"), "test").labels.max() == 2


def test_a_single_volume_is_cut_along_its_sections(project):
    said = import_folders("mine", *write_volumes(project / "own"), volumes=True)
    assert read_lists(Path("config/splits/mine.yaml")) == {
        "training": ["v0[0:18]"],
        "validation": ["v0[18:24]"],
        "test": ["v0[24:30]"],
    }
    assert "1 volume with masks: 30 x 40 x 40 pixels, uint8, grey" in said
    assert read_yaml(Path("config/datasets.yaml"))["mine"]["augment"]["crop"] == [20, 56, 56]
    loaded = Project.load(config=read_yaml(Path("config/config.yaml")) | {"scale": "own"})
    assert [run.network for run in loaded.runs("table_mine")] == ["mala", "mala_tiny", "mala_tiny"]
    assert read_split(prepared("mine"), "training").images.shape == (1, 18, 40, 40)
    import_folders("few", *write_volumes(project / "few", 3, size=(3, 40, 40)), volumes=True)
    few = read_yaml(Path("config/datasets.yaml"))["few"]
    assert few["augment"]["crop"] == [7, 56, 56] and few["shifts"][0] == [1, 2]
    for network in ("mala", "mala_tiny"):
        arguments = read_yaml(Path("config/scales/own.yaml"))["networks"][network]
        assert build(network, **arguments).output_size([7, 56, 56]) == (3, 40, 40)
    with pytest.raises(GrdError, match=r"expected 3 volumes, or volumes of at least 25 sections .* 20 sections in v0"):
        import_folders("thin", *write_volumes(project / "thin", size=(20, 40, 40)), volumes=True)


def test_moments_of_a_film_stay_together(project):
    squares = [tifffile.imread(path) for folder in write_pairs(project / "own", 10) for path in sorted(folder.iterdir())]
    write(project / "film/images/f.tif", np.stack(squares[:10]))
    write(project / "film/masks/f.tif", np.stack(squares[10:]))
    import_folders("mine", Path("film/images"), Path("film/masks"), axes="TYX")
    lists = read_lists(Path("config/splits/mine.yaml"))
    assert lists["validation"] == ["f:6", "f:7"] and lists["test"] == ["f:8", "f:9"]
    assert read_split(prepared("mine"), "test").images.shape == (2, 48, 48)
    for number, chosen in enumerate([(0, 3), (3, 6), (6, 8), (8, 10)]):
        write(project / f"films/images/f{number}.tif", np.stack(squares[slice(*chosen)]))
        write(project / f"films/masks/f{number}.tif", np.stack(squares[10:][slice(*chosen)]))
    import_folders("films", Path("films/images"), Path("films/masks"), axes="TYX")
    lists = read_lists(Path("config/splits/films.yaml"))
    films = [{name.partition(":")[0] for name in lists[split]} for split in ("training", "validation", "test")]
    assert [len(each) for each in films] == [2, 1, 1] and len(set.union(*films)) == 4


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("cvppp", "expected a new name, found cvppp in use"),
        ("trial", "expected a new name, found table_trial in use"),
        ("celegans", "expected a new name, found celegans in use"),
        ("My-cells", "expected a name of small letters, digits and _"),
        ("null", "expected a name of small letters, digits and _"),
        ("12", "expected a name of small letters, digits and _"),
    ],
)
def test_a_name_that_is_in_use_or_cannot_be_one_is_refused(project, name, fault):
    images, masks = write_pairs(project / "own")
    with pytest.raises(GrdError, match=f"data set '{name}': {fault}"):
        import_folders(name, images, masks)


def test_a_data_set_is_imported_once(project):
    images, masks = write_pairs(project / "own")
    import_folders("mine", images, masks)
    with pytest.raises(GrdError, match="data set 'mine': expected a new name, found mine in use"):
        import_folders("mine", images, masks)


def semantic(path):
    write(path, (tifffile.imread(path) > 0).astype(np.uint8) * 255)


def empty(path):
    write(path, np.zeros_like(tifffile.imread(path)))


def turned(path):
    write(path, tifffile.imread(path)[:-3])


def full(path):
    write(path, tifffile.imread(path) + 1)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (
            semantic,
            "masks: expected a number of its own for each object, found one number for all, also for the separate regions of",
        ),
        (empty, "masks: expected objects, pixels other than 0, found none in any mask"),
        (turned, r"cell0_mask.tif: expected the size \(48, 48\) of .*cell0.tif, found \(45, 48\)"),
        (full, "masks: expected background, pixels of 0, found none in any mask"),
        (Path.unlink, "expected a folder with images, found none in it"),
        (lambda path: path.write_bytes(b"II*\0"), "cell0_mask.tif: expected a readable file"),
    ],
)
def test_masks_from_which_nothing_can_be_learnt_are_refused_and_nothing_is_written(project, change, fault):
    images, masks = write_pairs(project / "own")
    for path in masks.iterdir():
        change(path)
    before = contents(project / "config")
    with pytest.raises(GrdError, match=fault):
        import_folders("mine", images, masks)
    assert contents(project / "config") == before


def test_images_that_cannot_be_prepared_are_refused_at_once(project):
    images, masks = write_pairs(project / "own")
    broken = tifffile.imread(images / "cell0.tif").astype(np.float32)
    broken[0, 0] = np.nan
    write(images / "cell0.tif", broken)
    with pytest.raises(GrdError, match="cell0: expected finite grey values, found NaN or infinity"):
        import_folders("mine", images, masks)


def test_a_split_without_objects_is_refused(project):
    images, masks = write_pairs(project / "own", 3)
    for path in sorted(masks.iterdir())[1:]:
        empty(path)
    with pytest.raises(GrdError, match="expected objects in each split, found none in"):
        import_folders("mine", images, masks)


def test_a_part_of_a_volume_without_objects_is_refused(project):
    images, masks = write_volumes(project / "own")
    (path,) = masks.iterdir()
    labels = tifffile.imread(path)
    labels[18:24] = 0
    write(path, labels)
    with pytest.raises(GrdError, match=r"none in validation, sections v0\[18:24\]; label some of them, or add volumes"):
        import_folders("mine", images, masks, volumes=True)


def test_a_full_disk_leaves_the_configuration_as_it_was(project, monkeypatch):
    before = contents(project / "config")

    def no_room(path, text):
        with open(path, "a") as file:
            file.write(text[:10])
        raise OSError(errno.ENOSPC, "full", str(path))

    monkeypatch.setattr(own_dataset, "_append", no_room)
    with pytest.raises(OSError, match="full"):
        import_folders("mine", *write_pairs(project / "own"))
    assert contents(project / "config") == before


def test_a_file_that_cannot_grow_is_left_as_it_is(project):
    path = project / "config/datasets.yaml"
    path.write_text(json.dumps(yaml.safe_load(path.read_text())))
    before = contents(project / "config")
    with pytest.raises(GrdError, match=r"datasets\.yaml: expected entries one below the other"):
        import_folders("mine", *write_pairs(project / "own"))
    assert contents(project / "config") == before


@pytest.mark.parametrize(
    ("diameter", "shortest", "side"),
    [(5, 512, 64), (20, 512, 96), (24, 512, 96), (25, 512, 128), (100, 512, 256), (100, 150, 128), (100, 40, 64)],
)
def test_a_crop_is_four_objects_wide_if_the_images_are(diameter, shortest, side):
    assert crop_side(diameter, shortest) == side


@pytest.mark.parametrize(
    ("diameter", "shifts"),
    [
        (30, [1, 3, 5, 9, 27]),
        (20, [1, 3, 5, 9, 27]),
        (150, [1, 3, 5, 9, 27]),
        (10, [1, 2, 3, 9]),
        (4, [1, 4]),
        (300, [1, 9, 15, 27, 81]),
        (950, [1, 28, 48, 86]),  # 256 would leave the crop
    ],
)
def test_shifts_are_the_paper_s_unless_objects_are_much_smaller_or_larger(diameter, shifts):
    assert shifts_for(diameter, 256) == shifts


def test_an_image_that_changes_is_read_as_it_is_now_and_said_so(project, caplog):
    images, masks = write_pairs(project / "own")
    import_folders("mine", images, masks)
    [name] = read_lists(Path("config/splits/mine.yaml"))["test"]
    semantic(masks / f"{name}_mask.tif")
    assert read_split(prepared("mine"), "test").labels.max() == 1
    assert re.search(rf"mine: .*{name}_mask\.tif changed since config.folders.mine\.json was written;", caplog.text)


def test_an_image_that_is_gone_is_missed_until_the_split_does_not_name_it(project):
    images, masks = write_pairs(project / "own")
    import_folders("mine", images, masks)
    name = read_lists(Path("config/splits/mine.yaml"))["training"][0]
    (images / f"{name}.tif").unlink()
    with pytest.raises(
        GrdError, match=rf"mine: expected .*{name}\.tif, which .* lists, found no file; put it back, or take {name}"
    ):
        prepared("mine")
    split = Path("config/splits/mine.yaml")
    split.write_text(split.read_text().replace(f'  - "{name}"\n', ""))
    assert len(read_split(prepared("mine"), "training").names) == 2


def test_teacher_and_student_are_named_as_in_the_paper(project):
    import_folders("mine", *write_pairs(project / "own"))
    assert Run.from_name("mine", "resunet_tiny-grd-resunet-s0") in Project.load().known_runs()
