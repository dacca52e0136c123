"""workflow/apply.smk segments many images in batches, and a call resumes what another left."""

import os
import shutil
import time

import numpy as np
import pandas as pd
import pytest
import tifffile
import zarr
from pipelines import Pipeline
from random_models import write_random_model

from grd.apply.batches import Batches, segment_batch
from grd.apply.label_files import origin_of
from grd.errors import GrdError
from grd.reading.labels import read_labels
from grd.system.locks import occupy

SNAKEFILE = ("--snakefile", "workflow/apply.smk")


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Five images in a folder whose name has a space, and a model."""
    folder = tmp_path_factory.mktemp("my images")
    noise = np.random.default_rng(0).integers(0, 4000, (5, 40, 48), np.uint16)
    for number, image in enumerate(noise):
        tifffile.imwrite(folder / f"a{number}.tif", image)
    write_random_model(folder / "model.pt", "resunet_tiny")
    return folder


def call(folder, out, **changes):
    said = {"images": f"{folder}/a?.tif", "model": folder / "model.pt", "out": out, "batch": 2} | changes
    return ["--config", *(f"{name}={value}" for name, value in said.items())]


def test_files_are_divided_into_batches_in_their_order(images, tmp_path):
    said = {"images": f"{images}/a?.tif", "model": str(images / "model.pt"), "out": str(tmp_path), "batch": 2}
    batches = Batches.of(said | {"options": "--table --overlay"})
    assert [[path.stem for path in batch] for batch in batches.files] == [["a0", "a1"], ["a2", "a3"], ["a4"]]
    assert [path.name for path in batches.written(batches.files[2])] == ["a4-labels.tif", "a4-overlay.png", "a4.csv"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model": None}, "expected --config images=… model=… out=…, found no model"),
        ({"batches": 3}, "--config: expected images, model, out, batch, options, threads, device, found batches"),
        ({"batch": 0}, "--config batch: expected a number of at least 1, found 0"),
        ({"threads": "two"}, "--config threads: expected a number of at least 1, found two"),
        ({"options": "--diametre 3"}, "options: expected options of grd predict, found a wrong one"),
        ({"images": "nothing/*.tif"}, "expected files that fit this pattern, found none"),
        ({"out": ""}, "expected --config images=… model=… out=…, found no out"),
        ({"images": []}, "expected --config images=… model=… out=…, found no images"),
        (
            {"out": 20240131},
            "--config out: expected text, found 20240131, which Snakemake does not take for text; put ./ in front of it",
        ),
        ({"images": 202401}, "--config images: expected text, found 202401"),
        ({"images": ["a.tif", 7]}, "--config images: expected text, found 7"),
        ({"options": True}, "--config options: expected text, found True"),
        ({"threads": True}, "--config threads: expected a number of at least 1, found True"),
    ],
)
def test_a_wrong_call_is_one_sentence(images, tmp_path, changes, sentence):
    said = {"images": f"{images}/a?.tif", "model": str(images / "model.pt"), "out": str(tmp_path)} | changes
    with pytest.raises(GrdError) as caught:
        Batches.of({name: value for name, value in said.items() if value is not None})
    assert sentence in str(caught.value)


def test_an_optional_entry_without_a_value_has_its_default(images, tmp_path):
    said = {"images": f"{images}/a?.tif", "model": str(images / "model.pt"), "out": str(tmp_path)}
    assert Batches.of(said | dict.fromkeys(("batch", "options", "threads", "device"))) == Batches.of(said)


def test_a_batch_is_made_again_if_something_is_gone_or_older_than_the_labels(images, tmp_path):
    said = {"images": f"{images}/a?.tif", "model": str(images / "model.pt"), "out": str(tmp_path), "batch": 2}
    batches = Batches.of(said | {"options": "--table --skip-existing"})
    (tmp_path / "logs").mkdir()
    for written, path in enumerate([*batches.written(batches.images), *map(batches.done, range(3))], time.time_ns()):
        path.write_text("label,centroid_x,bbox_x_max\n")
        os.utime(path, ns=(written, written))
    batches.begin()
    assert all(batches.done(number).exists() for number in range(3))
    (tmp_path / "a1-labels.tif").touch()  # as a correction does
    (tmp_path / "a4.csv").unlink()
    batches.begin()
    assert [batches.done(number).exists() for number in range(3)] == [False, True, False]


@pytest.mark.slow
def test_images_become_labels_and_one_table_and_a_call_resumes(images, tmp_path):
    pipeline, out = Pipeline(tmp_path / "project"), tmp_path / "out"
    pipeline.build(*SNAKEFILE, *call(images, out, options="--table --geojson"))
    assert sorted(path.name for path in out.glob("*-labels.tif")) == [f"a{n}-labels.tif" for n in range(5)]
    objects = pd.read_csv(out / "all-objects.csv")
    assert objects["image"].unique().tolist() == [f"a{n}" for n in range(5)]
    written = (out / "a0-labels.tif").stat().st_mtime_ns
    (out / "a4-labels.tif").unlink()
    pipeline.build(*SNAKEFILE, *call(images, out, options="--table --geojson"))
    assert (out / "a4-labels.tif").exists() and (out / "a0-labels.tif").stat().st_mtime_ns == written


def test_an_image_that_changed_after_its_labels_were_made_is_refused_and_one_that_was_moved_is_not(images, tmp_path, caplog):
    folder, out = tmp_path / "images", tmp_path / "out"
    shutil.copytree(images, folder)
    batches = Batches.of({"images": f"{folder}/a?.tif", "model": str(images / "model.pt"), "out": str(out), "batch": 2})
    for number, files in enumerate(batches.files):
        segment_batch(files, batches.model, "", out, "cpu", 1)
        (out / "logs").mkdir(exist_ok=True)
        batches.done(number).touch()
    shutil.rmtree(folder)
    shutil.copytree(images, folder)  # keeps times and values, but came later
    batches.begin()
    assert all(batches.done(number).exists() for number in range(3))
    shutil.copy2(images / "a0.tif", folder / "a2.tif")
    batches.begin()
    assert [batches.done(number).exists() for number in range(3)] == [True, False, True]
    with pytest.raises(GrdError, match="expected 2 files that can be segmented, found 1 that cannot"):
        segment_batch(batches.files[1], batches.model, "", out, "cpu", 1)
    assert f"a2-labels.tif: expected labels of {folder}/a2.tif, found those of another image" in caplog.text
    (folder / "a2.tif").write_bytes(b"text")  # nor does a damaged one hold up the call
    batches.begin()
    assert [batches.done(number).exists() for number in range(3)] == [True, False, True]


def test_a_job_on_a_cluster_has_the_batches_of_its_call_whatever_was_added_since(images, tmp_path):
    folder = tmp_path / "images"
    shutil.copytree(images, folder)
    said = {"images": f"{folder}/a?.tif", "model": str(images / "model.pt"), "out": str(tmp_path / "out"), "batch": 2}
    planned = Batches.of(said)
    planned.note()
    shutil.copy(folder / "a0.tif", folder / "a!.tif")
    assert Batches.of(said, planned=True) == planned != Batches.of(said)


@pytest.mark.slow
def test_two_calls_do_not_write_into_one_folder(images, tmp_path):
    pipeline, out = Pipeline(tmp_path / "project"), tmp_path / "out"
    with occupy(out):
        failed = pipeline.run("--cores", "2", *SNAKEFILE, *call(images, out))
    assert failed.returncode != 0
    assert f"{out}: expected to work here alone, found another pipeline" in failed.stdout
    assert not list(out.glob("*-labels.tif"))


@pytest.mark.slow
def test_a_bad_image_stops_its_batch_alone_and_is_named(images, tmp_path):
    pipeline, out = Pipeline(tmp_path / "project"), tmp_path / "out"
    bad = tmp_path / "a9.tif"
    bad.write_bytes(b"text")
    result = pipeline.run("--cores", "2", *SNAKEFILE, *call(images, out, images=f"['{images}/a?.tif', '{bad}']"))
    assert result.returncode == 1
    assert sorted(path.name for path in out.glob("*-labels.tif")) == [f"a{n}-labels.tif" for n in range(5)]
    assert "a9.tif: expected a tif, PNG" in (out / "logs/segment_2.log").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["tif", "zarr"])
def test_labels_that_were_corrected_by_hand_survive_a_batch_that_fails_and_one_that_grows(images, tmp_path, kind):
    pipeline, out, bad = Pipeline(tmp_path / "project"), tmp_path / "out", tmp_path / "a9.tif"
    options = "--table --zarr" if kind == "zarr" else "--table"
    said = {"images": f"['{images}/a0.tif', '{images}/a1.tif']", "batch": 5, "options": options}
    pipeline.build(*SNAKEFILE, *call(images, out, **said))
    labels = out / f"a0-labels.{kind}"
    if kind == "zarr":
        zarr.open_array(labels / "0", mode="r+")[...] = 77
    else:
        tifffile.imwrite(labels, np.full((40, 48), 77, np.uint16))
    bad.write_bytes(b"text")
    said["options"] += " --skip-existing"
    for last, code in ((bad, 1), (images / "a2.tif", 0)):
        more = said | {"images": f"['{images}/a0.tif', '{images}/a1.tif', '{last}']"}
        assert pipeline.run("--cores", "1", *SNAKEFILE, *call(images, out, **more)).returncode == code
        assert (read_labels(labels, 2).arrays[0] == 77).all()
    assert sorted(path.name for path in out.glob("*-labels.*")) == [f"a{n}-labels.{kind}" for n in range(3)]
    assert pd.read_csv(out / "a0.csv")["label"].tolist() == [77]
    origins = [origin_of(out / f"a{n}-labels.{kind}") for n in range(3)]
    assert [origin and origin.image for origin in origins] == [None, "a1.tif", "a2.tif"]
    refused = pipeline.run("--cores", "1", *SNAKEFILE, *call(images, out, **said | {"options": options}))
    assert refused.returncode != 0 and "or keep it with --skip-existing" in refused.stdout
