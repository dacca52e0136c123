"""Locks where there are none: nobody waits, nothing is refused."""

import pytest

from grd.system import locks


def test_without_locks_a_lock_is_no_hindrance(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(locks, "fcntl", None)
    with locks.lock_file(tmp_path / "lock"), locks.lock_file(tmp_path / "lock"):
        assert (tmp_path / "lock").exists()
    assert caplog.text == ""


def test_a_second_lock_is_refused_where_there_are_locks(tmp_path):
    pytest.importorskip("fcntl")
    with locks.open_lock_file(tmp_path / "lock") as first, locks.open_lock_file(tmp_path / "lock") as second:
        assert locks.try_lock(first)
        assert not locks.try_lock(second)
