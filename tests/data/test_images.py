"""An image that cannot be read is told by its reason: absent, a folder, not permitted, or not an image."""

import os
from contextlib import contextmanager

import pytest

from grd.data.images import read_image
from grd.errors import GrdError
from grd.system.logs import sentence_for


@contextmanager
def unprivileged():
    """Within this context root has no rights on the files of others, either."""
    user = os.geteuid()
    try:
        os.seteuid(user or 65534)
        yield
    finally:
        os.seteuid(user)


@pytest.mark.parametrize("name", ["image.tif", "image.png", "image.npy", "image.h5"])
def test_a_file_that_may_not_be_read_is_told_so(tmp_path, name):
    (tmp_path / name).write_bytes(b"")
    (tmp_path / name).chmod(0)
    with unprivileged(), pytest.raises(PermissionError) as caught:
        read_image(tmp_path / name)
    assert sentence_for(caught.value).startswith(f"{tmp_path / name}: expected permission to read")


@pytest.mark.parametrize("name", ["image.tif", "image.npy", "image.h5"])
def test_a_folder_is_told_to_be_one(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(GrdError, match="expected an image file, found a folder; name the files in it"):
        read_image(tmp_path / name)


@pytest.mark.parametrize("name", ["image.tif", "image.npy", "image.h5"])
def test_a_file_that_is_no_image_is_to_be_converted(tmp_path, name):
    (tmp_path / name).write_bytes(b"text")
    with pytest.raises(GrdError, match="expected a readable tif, png, npy or h5, found none; convert or replace the file"):
        read_image(tmp_path / name)
    with pytest.raises(GrdError, match="expected an image, found no file; check the path"):
        read_image(tmp_path / f"other-{name}")
