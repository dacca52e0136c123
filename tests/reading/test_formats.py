"""Files of every format give their array, with what they say of it; what cannot be read is told in one sentence."""

import os
import zlib
from contextlib import contextmanager

import h5py
import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from grd.data.store import Split, write_labels, write_samples
from grd.errors import GrdError
from grd.reading.axes import frames
from grd.reading.files import LABELS, open_file
from grd.reading.stored import readable
from grd.system.logs import sentence_for

RAMP = np.arange(6 * 8, dtype=np.uint8).reshape(6, 8)
COLOURS = np.stack([RAMP, RAMP + 50, RAMP + 100], -1)


@contextmanager
def unprivileged():
    """Within this context root has no rights on the files of others, either."""
    user = os.geteuid()
    try:
        os.seteuid(user or 65534)
        yield
    finally:
        os.seteuid(user)


def read(path, rank=2):
    with open_file(path) as stored:
        (sample,) = frames(stored, rank).samples
        return sample[...]


@pytest.mark.parametrize("name", ["image.tif", "image.png", "image.npy", "image.h5"])
def test_a_file_that_may_not_be_read_is_told_so(tmp_path, name):
    (tmp_path / name).write_bytes(b"")
    (tmp_path / name).chmod(0)
    with unprivileged(), pytest.raises(PermissionError) as caught:
        read(tmp_path / name)
    assert sentence_for(caught.value).startswith(f"{tmp_path / name}: expected permission to read")


def test_a_folder_an_absent_file_and_a_file_of_another_kind_are_told_apart(tmp_path):
    with pytest.raises(GrdError, match="expected an image file, found a folder; name the files in it"):
        read(tmp_path)
    with pytest.raises(GrdError, match="expected an image, found no file; check the path"):
        read(tmp_path / "a.tif")
    for content, what in (
        (b"", "an empty file"),
        (b"text", "another format"),
        (b"ZISRAWFILE....", "Zeiss CZI"),
        (b"%PDF-1.4", "PDF"),
    ):
        (tmp_path / "a.tif").write_bytes(content)
        with pytest.raises(GrdError, match=f"expected a tif, PNG, .* or zarr, found {what}; save it as OME-TIFF"):
            read(tmp_path / "a.tif")


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.npy", "a.h5", "a.jpg"])
def test_a_damaged_file_is_told_to_be_one(tmp_path, name):
    path = tmp_path / name
    if name == "a.h5":
        with h5py.File(path, "w") as file:
            file.create_dataset("main", data=RAMP, fletcher32=True)
    elif name == "a.npy":
        np.save(path, RAMP)
    elif name == "a.tif":
        tifffile.imwrite(path, RAMP, compression="zlib")
    else:
        Image.fromarray(RAMP).save(path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(GrdError, match=f"{name}: expected a readable file, found .*; convert or replace it"):
        read(path)


@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "zstd", "packbits", "lzma"])
def test_tifs_are_read_whatever_compresses_them(tmp_path, compression):
    tifffile.imwrite(tmp_path / "a.tif", RAMP, compression=compression)
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), RAMP)


@pytest.mark.parametrize("compression", ["jpeg", "jpeg2000"])
def test_tifs_with_losses_are_images_and_no_labels(tmp_path, compression):
    flat = np.full((64, 64), 77, np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", flat, compression=compression)
    assert np.abs(read(tmp_path / "a.tif").astype(int) - 77).max() <= 2
    with open_file(tmp_path / "a.tif") as stored:
        assert stored.lossy


@pytest.mark.parametrize(
    "settings", [{"byteorder": ">"}, {"bigtiff": True}, {"tile": (16, 16)}, {"rowsperstrip": 2}, {"ome": True}]
)
def test_tifs_are_read_however_they_are_laid_out(tmp_path, settings):
    deep = RAMP.astype(np.uint16) * 300
    tifffile.imwrite(tmp_path / "a.tif", deep, **settings)
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), deep)


def test_planar_colours_of_a_tif_become_pixels(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.moveaxis(COLOURS, -1, 0), photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), COLOURS)


def test_axes_and_pixel_sizes_of_ome_and_imagej_are_known(tmp_path):
    stack = np.zeros((2, 3, 6, 8), np.uint16)
    facts = {
        "axes": "CZYX",
        "PhysicalSizeX": 0.5,
        "PhysicalSizeY": 250,
        "PhysicalSizeYUnit": "nm",
        "Channel": {"Name": ["a", "b"]},
    }
    tifffile.imwrite(tmp_path / "ome.tif", stack, metadata=facts, ome=True)
    with open_file(tmp_path / "ome.tif") as stored:
        assert (stored.axes, stored.pixel_size, list(stored.channels)) == ("CZYX", {"X": 0.5, "Y": 0.25}, ["a", "b"])
    facts = {"axes": "TZYX", "unit": "um", "spacing": 2.0}
    tifffile.imwrite(tmp_path / "imagej.tif", stack, imagej=True, resolution=(4.0, 5.0), metadata=facts)
    with open_file(tmp_path / "imagej.tif") as stored:
        assert (stored.axes, stored.pixel_size) == ("TZYX", {"X": 0.25, "Y": 0.2, "Z": 2.0})
    tifffile.imwrite(tmp_path / "dpi.tif", RAMP, resolution=(72, 72), resolutionunit="INCH")
    with open_file(tmp_path / "dpi.tif") as stored:
        assert stored.pixel_size == {}


def test_each_image_of_an_ome_file_has_its_own_pixel_size_and_channels(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.ome.tif") as file:
        for size, names in ((6, ["a", "b"]), (4, ["c", "d"])):
            facts = {"axes": "CYX", "PhysicalSizeX": 1 / size, "PhysicalSizeY": 1 / size, "Channel": {"Name": names}}
            file.write(np.zeros((2, size, 8), np.uint8), metadata=facts, photometric="minisblack")
    with open_file(tmp_path / "a.ome.tif:1") as stored:
        assert (stored.pixel_size, stored.channels) == ({"X": 0.25, "Y": 0.25}, ["c", "d"])


def test_an_ome_file_that_describes_more_images_than_it_holds_says_neither_sizes_nor_channels(tmp_path):
    facts = 'DimensionOrder="XYZCT" Type="uint8" SizeX="8" SizeY="6" SizeZ="1" SizeC="1" SizeT="1" PhysicalSizeX="3"'
    images = "".join(f"<Image><Pixels {facts}>{planes}</Pixels></Image>" for planes in ("<MetadataOnly/>", '<TiffData IFD="0"/>'))
    space = 'xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"'
    tifffile.imwrite(tmp_path / "a.tif", RAMP, description=f'<?xml version="1.0"?><OME {space}>{images}</OME>', metadata=None)
    with open_file(tmp_path / "a.tif") as stored:
        assert (stored.pixel_size, stored.channels) == ({}, [])


def test_pages_written_one_by_one_are_one_stack_and_series_of_other_sizes_are_chosen(tmp_path):
    for name, sizes in (("pages.tif", (6, 6, 6)), ("series.tif", (6, 4))):
        with tifffile.TiffWriter(tmp_path / name) as file:
            for value, size in enumerate(sizes):
                file.write(np.full((size, 5), value, np.uint8))
    assert read(tmp_path / "pages.tif", 3)[:, 0, 0].tolist() == [0, 1, 2]
    with pytest.raises(
        GrdError, match=r"expected one series of images, found 2 \(0 \(6, 5\), 1 \(4, 5\)\); name one, as in series.tif:0"
    ):
        read(tmp_path / "series.tif")
    assert read(tmp_path / "series.tif:1").tolist() == np.ones((4, 5)).tolist()
    with pytest.raises(GrdError, match="expected a series from 0 to 1, found '7'"):
        read(tmp_path / "series.tif:7")


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_large_tif_is_read_where_it_is_sliced(tmp_path, monkeypatch, compression):
    monkeypatch.setattr("grd.reading.tif.AT_ONCE", 10)
    tifffile.imwrite(tmp_path / "a.tif", COLOURS, photometric="rgb", compression=compression, rowsperstrip=2)
    with open_file(tmp_path / "a.tif") as stored:
        (sample,) = frames(stored, 2).samples
        assert not isinstance(stored.array, np.ndarray) or isinstance(stored.array, np.memmap)
        np.testing.assert_array_equal(sample[3:5, 2:7], COLOURS[3:5, 2:7])


def test_a_large_pyramid_gives_its_full_resolution(tmp_path, monkeypatch):
    monkeypatch.setattr("grd.reading.tif.AT_ONCE", 10)
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(RAMP, subifds=1, tile=(16, 16), compression="zlib")
        file.write(RAMP[::2, ::2], subfiletype=1, tile=(16, 16), compression="zlib")
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), RAMP)


def test_white_is_0_in_some_tifs(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", RAMP, photometric="miniswhite")
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), 255 - RAMP)


@pytest.mark.parametrize("name", ["a.png", "a.PNG", "a.bmp", "a.gif", "a.webp", "misnamed.tif"])
def test_pictures_are_recognised_by_their_content(tmp_path, name):
    kind = {"bmp": "BMP", "gif": "GIF", "webp": "WEBP"}.get(name[-3:] if name != "a.webp" else "webp", "PNG")
    Image.fromarray(RAMP).save(tmp_path / name, kind, **({"lossless": True} if kind == "WEBP" else {}))
    found = read(tmp_path / name)
    np.testing.assert_array_equal(found if found.ndim == 2 else found[..., 0], RAMP)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("L", RAMP),
        ("LA", RAMP),
        ("RGB", COLOURS),
        ("RGBA", COLOURS),
        ("1", RAMP > 20),
        ("I;16", RAMP.astype(np.uint16) * 257),
        ("P", COLOURS),
    ],
)
def test_png_is_read_in_all_modes(tmp_path, mode, expected):
    if mode == "P":
        picture = Image.fromarray(RAMP, "P")
        picture.putpalette(np.array([[n, n + 50, n + 100] for n in range(48)], np.uint8)[::1].ravel().tolist())
        picture.putpalette([value for n in range(48) for value in (47 - n, n, 0)])
        expected = np.stack([47 - RAMP, RAMP, np.zeros_like(RAMP)], -1)
    elif mode in ("LA", "RGBA"):
        picture = Image.fromarray(np.dstack([RAMP if mode == "LA" else COLOURS, np.full_like(RAMP, 9)]), mode)
    else:
        picture = Image.fromarray(np.asarray(expected))
    picture.save(tmp_path / "a.png")
    np.testing.assert_array_equal(read(tmp_path / "a.png"), expected)


def test_16_bits_of_a_colour_png_are_kept(tmp_path):
    imagecodecs = pytest.importorskip("imagecodecs")
    deep = COLOURS.astype(np.uint16) * 256 + 3
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(deep))
    np.testing.assert_array_equal(read(tmp_path / "a.png"), deep)


def test_a_photograph_is_turned_as_viewers_turn_it(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn clockwise
    Image.fromarray(RAMP).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read(tmp_path / "a.png"), np.rot90(RAMP, -1))


def test_frames_of_an_animation_are_asked_about(tmp_path):
    first, *rest = [Image.fromarray(RAMP + n) for n in range(3)]
    first.save(tmp_path / "a.gif", save_all=True, append_images=rest)
    with pytest.raises(GrdError, match="name them with --axes"):
        read(tmp_path / "a.gif")


def test_arrays_are_found_however_deep_they_lie(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["deep/er/image"] = RAMP
        file["attribute"] = 3
    np.testing.assert_array_equal(read(path), RAMP)
    with h5py.File(path, "a") as file:
        file["other"] = RAMP + 1
    with pytest.raises(GrdError, match=r"expected one array, found deep/er/image, other; name one, as in a.h5:deep/er/image"):
        read(path)
    np.testing.assert_array_equal(read(tmp_path / "a.h5:other"), RAMP + 1)
    np.testing.assert_array_equal(read(tmp_path / "a.h5:/deep/er/image"), RAMP)
    with pytest.raises(GrdError, match="expected an array third, found"):
        read(tmp_path / "a.h5:third")


def test_images_and_labels_of_one_file_are_told_apart(tmp_path):
    with h5py.File(tmp_path / "a.hdf", "w") as file:
        file["volumes/raw"], file["volumes/labels/neuron_ids"] = RAMP[None], RAMP[None] + 1
    assert read(tmp_path / "a.hdf", 3)[0, 0, 0] == 0
    with open_file(tmp_path / "a.hdf", LABELS) as stored:
        assert stored.array[0, 0, 0] == 1


def test_axes_that_ilastik_wrote_are_known(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["exported_data"] = np.zeros((6, 8, 2), np.uint8)
        file["exported_data"].attrs["axistags"] = '{"axes": [{"key": "y"}, {"key": "x"}, {"key": "c"}]}'
    with pytest.raises(GrdError, match="expected one channel, found 2"):
        read(tmp_path / "a.h5")


def test_npz_files_hold_one_array_or_a_named_one(tmp_path):
    np.savez(tmp_path / "a.npz", RAMP)
    np.testing.assert_array_equal(read(tmp_path / "a.npz"), RAMP)
    np.savez(tmp_path / "b.npz", x=RAMP, y=RAMP + 1)
    np.testing.assert_array_equal(read(tmp_path / "b.npz:y"), RAMP + 1)


def test_npy_files_of_objects_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", {"masks": RAMP}, allow_pickle=True)
    with pytest.raises(GrdError, match="expected a readable file, found Array can't be memory-mapped: Python objects in dtype"):
        read(tmp_path / "a.npy")


@pytest.mark.parametrize("version", [2, 3])
def test_zarr_arrays_are_read_alone_and_in_groups(tmp_path, version):
    zarr.save_array(tmp_path / "a.zarr", RAMP, zarr_format=version)
    np.testing.assert_array_equal(read(tmp_path / "a.zarr"), RAMP)
    group = zarr.open_group(tmp_path / "b.zarr", mode="w", zarr_format=version)
    group["x"], group["deep/y"] = RAMP, RAMP + 1
    np.testing.assert_array_equal(read(tmp_path / "b.zarr:deep/y"), RAMP + 1)
    with pytest.raises(GrdError, match="expected one array, found"):
        read(tmp_path / "b.zarr")


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_an_ome_zarr_image_gives_its_full_resolution_with_axes_and_pixel_size(tmp_path, version):
    group = zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=2 if version == "0.4" else 3)
    group["0"], group["1"] = RAMP[None, None], RAMP[None, None, ::2, ::2]
    axes = [{"name": "c", "type": "channel"}, {"name": "z", "type": "space", "unit": "micrometer"}]
    axes += [{"name": name, "type": "space", "unit": "nanometer"} for name in "yx"]
    scales = [[{"type": "scale", "scale": [1, 2.0, 100.0 * f, 100.0 * f]}] for f in (1, 2)]
    datasets = [{"path": str(n), "coordinateTransformations": scale} for n, scale in enumerate(scales)]
    scales = {"multiscales": [{"version": version, "axes": axes, "datasets": datasets}]}
    group.attrs.update(scales if version == "0.4" else {"ome": {"version": version, **scales}})
    with open_file(tmp_path / "a.zarr") as stored:
        assert (stored.axes, stored.pixel_size) == ("CZYX", {"Z": 2.0, "Y": 0.1, "X": 0.1})
        assert stored.array.shape == (1, 1, 6, 8)
    with open_file(tmp_path / "a.zarr:1") as stored:
        assert (stored.axes, stored.pixel_size) == ("CZYX", {"Z": 2.0, "Y": 0.2, "X": 0.2})


def test_a_data_set_of_an_ome_zarr_image_has_the_axes_and_the_pixel_size_that_its_own_group_says(tmp_path):
    def scale(*factors):
        return {"coordinateTransformations": [{"type": "scale", "scale": factors}]}

    def described(group, letters, datasets, common):
        axes = [{"name": letter, "type": "space", "unit": "micrometer"} for letter in letters]
        group.attrs["ome"] = {"multiscales": [{"axes": axes, "datasets": datasets, **common}]}

    group = zarr.open_group(tmp_path / "a.zarr", mode="w")
    group["scale0/image"], group["scale1/image"], group["labels/nuclei/0"] = RAMP[None], RAMP[None, ::2, ::2], RAMP
    datasets = [{"path": f"scale{n}/image", **scale(2, 2**n, 2**n)} for n in range(2)]
    described(group, "zyx", datasets, scale(1, 0.5, 0.25))
    described(group["labels/nuclei"], "xy", [{"path": "0", **scale(3, 4)}], {})
    for part, axes, size in (
        ("", "ZYX", {"Z": 2, "Y": 0.5, "X": 0.25}),
        (":scale1/image", "ZYX", {"Z": 2, "Y": 1, "X": 0.5}),
        (":labels/nuclei/0", "XY", {"X": 3, "Y": 4}),
    ):
        with open_file(tmp_path / f"a.zarr{part}") as stored:
            assert (stored.axes, stored.pixel_size) == (axes, size)


def test_an_imagej_stack_of_which_only_the_first_plane_has_a_page_is_read_whole(tmp_path):
    stack = np.arange(5 * 6 * 8, dtype=np.uint16).reshape(5, 6, 8)
    tifffile.imwrite(tmp_path / "a.tif", stack, imagej=True, truncate=True, metadata={"axes": "ZYX"})
    np.testing.assert_array_equal(read(tmp_path / "a.tif", 3), stack)


def test_planes_in_files_that_are_not_there_are_not_taken_for_black(tmp_path):
    names = [f"plane{n}.ome.tif" for n in range(2)]
    ids = [f"urn:uuid:{n:08}-0000-0000-0000-000000000000" for n in range(2)]
    planes = "".join(
        f'<TiffData FirstZ="{n}" IFD="0" PlaneCount="1"><UUID FileName="{name}">{ids[n]}</UUID></TiffData>'
        for n, name in enumerate(names)
    )
    sizes = 'SizeX="8" SizeY="6" SizeZ="2" SizeC="1" SizeT="1"'
    pixels = f'<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" {sizes}>{planes}</Pixels>'
    space = 'xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"'
    for n, name in enumerate(names):
        described = f'<?xml version="1.0"?><OME {space} UUID="{ids[n]}"><Image ID="Image:0">{pixels}</Image></OME>'
        tifffile.imwrite(tmp_path / name, RAMP + n, description=described, metadata=None)
    assert read(tmp_path / names[0], 3)[:, 0, 0].tolist() == [0, 1]
    (tmp_path / names[1]).unlink()
    with pytest.raises(GrdError, match="expected all 2 planes of its series, found 1 in files that are not there"):
        read(tmp_path / names[0], 3)


def test_printers_colours_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((6, 8, 4), np.uint8), photometric="separated")
    with pytest.raises(GrdError, match="expected grey values or RGB, found SEPARATED; convert the colours to RGB"):
        read(tmp_path / "a.tif")


@pytest.mark.parametrize("kind", ["int8", "int16", "int32", "uint32", "uint64", "float16", "float32", "float64"])
def test_values_of_every_type_are_kept(tmp_path, kind):
    values = (RAMP.astype(float) - (20 if kind[0] != "u" else 0)).astype(kind)
    tifffile.imwrite(tmp_path / "a.tif", values)
    found = read(tmp_path / "a.tif")
    assert found.dtype == kind
    np.testing.assert_array_equal(found, values)


def test_samples_and_labels_of_different_sizes_are_read_one_by_one(tmp_path):
    images = [RAMP.astype(np.uint8), np.zeros((4, 5, 3), np.uint8)]
    labels = [image[..., 0] if image.ndim == 3 else image for image in images]
    write_samples(tmp_path / "s.h5", {"test": Split(["a", "b"], images, [each.astype(np.uint16) for each in labels])})
    write_labels(tmp_path / "l.h5", ["a", "b"], {"mutex": labels})
    np.testing.assert_array_equal(read(tmp_path / "s.h5:test/images/0"), images[0])
    np.testing.assert_array_equal(read(tmp_path / "s.h5:test/images/1"), images[1])
    np.testing.assert_array_equal(read(tmp_path / "l.h5:mutex/0"), labels[0])


def test_stored_volumes_are_no_colours(tmp_path):
    volumes = np.stack([RAMP, RAMP + 1])[None]
    write_samples(tmp_path / "s.h5", {"test": Split(["a"], volumes, volumes.astype(np.uint16))})
    np.testing.assert_array_equal(read(tmp_path / "s.h5:test/images", 3), volumes[0])


@pytest.mark.parametrize("fault", [zlib.error("bad"), AssertionError(), OverflowError("too much"), MemoryError()])
def test_whatever_a_library_raises_about_a_damaged_file_is_one_sentence(fault):
    with pytest.raises(GrdError, match=r"^a\.tif: expected"), readable("a.tif"):
        raise fault


@pytest.mark.parametrize("name", ["a.npy:b", "a.png:1", "a.zarr:0"])
def test_parts_of_files_that_have_none_are_refused(tmp_path, name):
    np.save(tmp_path / "a.npy", np.ones((4, 5)))
    zarr.save_array(tmp_path / "a.zarr", np.ones((4, 5)))
    Image.fromarray(np.ones((4, 5), np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(GrdError, match="expected a file without parts"), open_file(tmp_path / name):
        pass
