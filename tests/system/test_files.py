"""Files that appear whole or not at all, as Windows lets a program make them."""

import os

import pytest

from grd.system import files


@pytest.fixture
def windows(monkeypatch):
    """Windows syncs no folders and no files that are open for reading alone, and asking for a process ends it."""
    opened = os.open

    def open_file(path, flags, *rest):
        assert not os.path.isdir(path) and flags & os.O_RDWR
        return opened(path, flags, *rest)

    monkeypatch.setattr(files, "WINDOWS", True)
    monkeypatch.setattr(os, "open", open_file)
    monkeypatch.setattr(os, "kill", lambda process, signal: pytest.fail(f"would end process {process}"))


def test_a_file_is_written_on_windows(tmp_path, windows):
    left = tmp_path / ".a.txt.1.part"
    left.write_bytes(b"")
    files.write_text(tmp_path / "a.txt", "all")
    assert (tmp_path / "a.txt").read_text() == "all"
    assert sorted(path.name for path in tmp_path.iterdir()) == [left.name, "a.txt"]
