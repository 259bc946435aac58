"""The storage: files by their keys, whole or not there, in a folder or wherever fsspec reaches."""

import os
import threading
import uuid
from datetime import UTC, datetime

import pytest

from unicare.core.errors import OutputError, SettingsError
from unicare.web.storage import FolderStorage, open_storage


@pytest.fixture(params=["folder", "memory"])
def storage(request, tmp_path):
    if request.param == "folder":
        return open_storage(str(tmp_path / "storage"))
    return open_storage(f"memory://{uuid.uuid4().hex}")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    return path


def test_what_was_put_can_be_read_and_got(storage, file, tmp_path):
    storage.put("a/b/c.nii.gz", file)
    assert storage.exists("a/b/c.nii.gz")
    with storage.open("a/b/c.nii.gz") as stream:
        assert stream.read() == b"abc"
    storage.get("a/b/c.nii.gz", tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == b"abc"


def test_putting_again_replaces_and_keeps_what_others_got(storage, file, tmp_path):
    storage.put("a/b", file)
    storage.get("a/b", tmp_path / "old")
    other = tmp_path / "other"
    other.write_bytes(b"new")
    storage.put("a/b", other)
    with storage.open("a/b") as stream:
        assert stream.read() == b"new"
    assert (tmp_path / "old").read_bytes() == b"abc"
    file.unlink()
    other.unlink()
    assert storage.exists("a/b")


def test_keys_below_a_folder(storage, file):
    for key in ("a/2", "a/deep/1", "ab/3"):
        storage.put(key, file)
    assert storage.keys("a") == ["a/2", "a/deep/1"]
    assert storage.keys("none") == []


def test_what_is_deleted_is_gone_with_all_below_it(storage, file, tmp_path):
    for key in ("a/2", "a/deep/1", "b/3"):
        storage.put(key, file)
    storage.delete("a")
    storage.delete("b/3")
    storage.delete("never/there")
    assert storage.keys("a") == []
    assert not storage.exists("b/3")
    with pytest.raises(FileNotFoundError):
        storage.open("b/3")
    with pytest.raises(FileNotFoundError):
        storage.get("a/2", tmp_path / "got")


@pytest.mark.parametrize("key", ["", "/etc/passwd", "a//b", "../a", "a/../../b", "a/./b", "a\\b", "a/\n"])
def test_keys_that_lead_elsewhere_are_refused(storage, file, key):
    for act in (lambda: storage.put(key, file), lambda: storage.open(key), lambda: storage.delete(key)):
        with pytest.raises(ValueError, match="not a key"):
            act()


def test_another_disk_is_copied_to(file, tmp_path, monkeypatch):
    def other_disk(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", other_disk)
    storage = FolderStorage(tmp_path / "storage")
    storage.put("a", file)
    file.write_bytes(b"changed later")
    with storage.open("a") as stream:
        assert stream.read() == b"abc"


def test_a_disk_that_fails_is_told_and_leaves_nothing(file, tmp_path, monkeypatch):
    storage = FolderStorage(tmp_path / "storage")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OutputError, match="No space left"):
        storage.put("a/b", file)
    assert storage.keys("a") == []
    assert list((tmp_path / "storage" / "a").iterdir()) == []


def test_readers_never_see_half_a_file(tmp_path):
    storage = FolderStorage(tmp_path / "storage")
    blocks = [bytes([value]) * 300_000 for value in range(6)]
    for number, block in enumerate(blocks):
        (tmp_path / str(number)).write_bytes(block)
    storage.put("a", tmp_path / "0")
    writers = [threading.Thread(target=storage.put, args=("a", tmp_path / str(n))) for n in range(6)]
    for writer in writers:
        writer.start()
    for _ in range(50):
        with storage.open("a") as stream:
            assert stream.read() in blocks
    for writer in writers:
        writer.join()


def test_a_url_that_cant_be_opened_is_refused_without_being_shown():
    with pytest.raises(SettingsError, match="can't be opened") as caught:
        open_storage("nosuchscheme://key:hunter2@host/folder")
    assert "hunter2" not in str(caught.value)


def test_when_a_file_was_taken_in(storage, file):
    os.utime(file, (0, 0))  # it may lie elsewhere for long before
    storage.put("a/b", file)
    assert storage.written_at("a/b") > datetime(2025, 1, 1, tzinfo=UTC)
    with pytest.raises(FileNotFoundError):
        storage.written_at("a/c")
