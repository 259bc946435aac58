"""Uploads in pieces: whole only when they are right, whatever happens on the way."""

import hashlib
import io
import json
import os
import random
import signal
import subprocess
import sys
import threading
import tracemalloc
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from unicare.core.errors import SubmissionError, UnicareError
from unicare.web.archive.uploads import Reason, UploadLimits, UploadRefusedError, Uploads

CONTENT = random.Random(0).randbytes(300_000)
HASH = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def uploads(tmp_path):
    return Uploads(tmp_path / "uploads", UploadLimits(spare_bytes=0))


@contextmanager
def refused(reason):
    with pytest.raises(UploadRefusedError) as told:
        yield
    assert told.value.reason is reason


def test_a_file_comes_whole_in_pieces(uploads):
    upload = uploads.begin("predictions.zip", len(CONTENT), HASH.upper(), team="one")
    for start, end in ((0, 1), (1, 100_000), (100_000, 300_000)):
        assert uploads.state(upload).length == start
        assert uploads.append(upload, start, io.BytesIO(CONTENT[start:end])).length == end
    path = uploads.finish(upload)
    assert path.read_bytes() == CONTENT
    assert uploads.finish(upload) == path
    state = uploads.state(upload)
    assert (state.name, state.team, state.whole, state.length) == ("predictions.zip", "one", True, 300_000)
    with refused(Reason.FINISHED):
        uploads.append(upload, len(CONTENT), io.BytesIO(b"more"))
    uploads.abandon(upload)
    assert not path.exists()
    assert uploads.every() == []


def test_another_process_goes_on_where_one_stopped(uploads, tmp_path):
    upload = uploads.begin("a", len(CONTENT), HASH)
    uploads.append(upload, 0, io.BytesIO(CONTENT[:1234]))
    other = Uploads(tmp_path / "uploads")
    assert other.state(upload).length == 1234
    other.append(upload, 1234, io.BytesIO(CONTENT[1234:]))
    assert uploads.finish(upload).read_bytes() == CONTENT


@pytest.mark.parametrize("offset", [0, 999, 1001, -1, 10**15])
def test_a_wrong_place_is_refused_with_the_right_one(uploads, offset):
    upload = uploads.begin("a", len(CONTENT))
    uploads.append(upload, 0, io.BytesIO(CONTENT[:1000]))
    with pytest.raises(UploadRefusedError, match="go on at byte 1000") as told:
        uploads.append(upload, offset, io.BytesIO(b"x"))
    assert (told.value.reason, told.value.length) == (Reason.OFFSET, 1000)
    assert uploads.state(upload).length == 1000


def test_no_more_is_read_than_was_announced(uploads):
    upload = uploads.begin("a", 1000)
    stream = io.BytesIO(CONTENT)
    assert uploads.append(upload, 0, stream).length == 1000
    assert stream.tell() == 1000
    assert uploads.finish(upload).read_bytes() == CONTENT[:1000]


def test_blocks_that_are_handed_over_are_held_to_the_announcement_as_well(uploads):
    upload = uploads.begin("a", 10)
    with uploads.writing(upload, 0) as writer:
        writer.write(b"12345678")
        with refused(Reason.TOO_BIG):
            writer.write(b"901")
        assert writer.left == 2
    assert uploads.state(upload).length == 8


def test_what_came_before_a_connection_broke_is_kept(uploads):
    class Broken(io.BytesIO):
        def read(self, size=-1):
            block = super().read(min(size, 70_000))
            if self.tell() > 140_000:
                raise ConnectionResetError
            return block

    upload = uploads.begin("a", len(CONTENT), HASH)
    with pytest.raises(ConnectionResetError):
        uploads.append(upload, 0, Broken(CONTENT))
    assert uploads.state(upload).length == 140_000
    uploads.append(upload, 140_000, io.BytesIO(CONTENT[140_000:]))
    uploads.finish(upload)


def test_what_is_not_complete_or_not_right_is_never_whole(uploads):
    upload = uploads.begin("a", len(CONTENT), HASH)
    with refused(Reason.INCOMPLETE):
        uploads.finish(upload)
    uploads.append(upload, 0, io.BytesIO(CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])))
    with refused(Reason.HASH):
        uploads.finish(upload)
    assert not uploads.state(upload).whole
    uploads.append(upload, 0, io.BytesIO(CONTENT))
    assert uploads.finish(upload).read_bytes() == CONTENT


@pytest.mark.parametrize(
    "upload_id", ["", ".", "..", "../uploads", "0" * 32, "0" * 31 + "/", "a" * 33, "0" * 32 + "\n", "/etc"]
)
def test_ids_that_nobody_gave(uploads, upload_id):
    uploads.begin("a", 10)
    for ask in (uploads.state, uploads.finish, lambda one: uploads.append(one, 0, io.BytesIO(b"a"))):
        with refused(Reason.UNKNOWN):
            ask(upload_id)
    uploads.abandon(upload_id)
    assert len(uploads.every()) == 1


@pytest.mark.parametrize(
    ("name", "length", "sha256"),
    [
        ("a", 0, None),
        ("a", -5, None),
        ("", 1, None),
        ("a" * 256, 1, None),
        ("a", 1, "xyz"),
        ("a", 1, "0" * 63),
    ],
)
def test_impossible_announcements(uploads, name, length, sha256):
    with refused(Reason.BAD_REQUEST):
        uploads.begin(name, length, sha256)
    assert uploads.every() == []


def test_names_are_kept_but_never_used_as_paths(uploads, tmp_path):
    for name in ("../../evil", "/etc/passwd", "a\0b", "\udcff", "<b>"):
        upload = uploads.begin(name, 1)
        assert uploads.state(upload).name == name
    assert [path.name for path in tmp_path.iterdir()] == ["uploads"]
    assert {path.name for path in (tmp_path / "uploads").iterdir()} == {
        "lock",
        *(state.upload_id for state in uploads.every()),
    }


def test_limits(tmp_path):
    limits = UploadLimits(upload_bytes=100, team_bytes=150, team_uploads=2, uploads=3, spare_bytes=0)
    uploads = Uploads(tmp_path, limits)
    with refused(Reason.TOO_BIG):
        uploads.begin("a", 101, team="one")
    first = uploads.begin("a", 100, team="one")
    with refused(Reason.TOO_BIG):
        uploads.begin("b", 51, team="one")
    uploads.begin("b", 10, team="one")
    with refused(Reason.TOO_MANY):
        uploads.begin("c", 1, team="one")
    uploads.append(first, 0, io.BytesIO(bytes(100)))
    uploads.finish(first)
    with refused(Reason.TOO_BIG):  # what is finished takes up room as well
        uploads.begin("c", 41, team="one")
    uploads.begin("c", 40, team="one")
    uploads.begin("a", 1, team="two")
    with pytest.raises(SubmissionError, match="there are too many"):
        uploads.begin("b", 1, team="two")
    uploads.abandon(first)
    assert {state.team for state in uploads.every()} == {"one", "two"}
    assert [state.total_bytes for state in uploads.every("two")] == [1]


def test_one_upload_may_be_held_shorter_than_others_but_not_longer(tmp_path):
    uploads = Uploads(tmp_path, UploadLimits(upload_bytes=100, spare_bytes=0))
    with refused(Reason.TOO_BIG):
        uploads.begin("a", 41, most_bytes=40)
    with refused(Reason.TOO_BIG):
        uploads.begin("a", 101, most_bytes=1000)
    for length in (40, 100):
        uploads.begin("a", length, most_bytes=length)


def test_some_of_the_disk_stays_free(tmp_path):
    with refused(Reason.NO_ROOM):
        Uploads(tmp_path, UploadLimits(spare_bytes=2**60)).begin("a", 1)


def test_many_at_once_never_make_more_than_allowed(tmp_path):
    uploads = Uploads(tmp_path, UploadLimits(team_uploads=5, spare_bytes=0))
    begun, refusals = [], []

    def begin():
        try:
            begun.append(uploads.begin("a", 1, team="one"))
        except UploadRefusedError as error:
            refusals.append(error.reason)

    threads = [threading.Thread(target=begin) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(begun) == len(uploads.every()) == 5
    assert refusals == [Reason.TOO_MANY] * 7


def test_of_two_writers_the_second_is_told(uploads):
    upload = uploads.begin("a", len(CONTENT), HASH)
    with uploads.writing(upload, 0) as writer:
        writer.write(CONTENT[:10])
        with pytest.raises(UploadRefusedError, match="another connection") as told:
            uploads.append(upload, 10, io.BytesIO(CONTENT[10:]))
        assert told.value.reason is Reason.LOCKED
        for ask in (uploads.finish, uploads.abandon):
            with refused(Reason.LOCKED):
                ask(upload)
        assert uploads.sweep(timedelta(seconds=-10)) == []
    uploads.append(upload, 10, io.BytesIO(CONTENT[10:]))
    uploads.finish(upload)


def test_what_nobody_goes_on_with_is_swept(uploads, tmp_path):
    old, new = uploads.begin("a", 10), uploads.begin("b", 10)
    (tmp_path / "uploads" / ".0123.new").mkdir()
    for place in (tmp_path / "uploads" / old / "data", tmp_path / "uploads" / ".0123.new"):
        os.utime(place, (0, 0))
    assert uploads.sweep(timedelta(days=1)) == [old]
    assert [state.upload_id for state in uploads.every()] == [new]
    assert {path.name for path in (tmp_path / "uploads").iterdir()} == {"lock", new}
    with refused(Reason.UNKNOWN):
        uploads.state(old)


def test_a_full_disk_is_told_without_paths(uploads, monkeypatch):
    def full(_number):
        raise OSError(28, "No space left on device", "/secret/path")

    upload = uploads.begin("a", 10)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UnicareError, match="No space left") as told:
        uploads.append(upload, 0, io.BytesIO(b"123"))
    assert "secret" not in str(told.value)
    monkeypatch.undo()
    assert uploads.append(upload, 3, io.BytesIO(b"4567890")).length == 10


def test_memory_does_not_grow_with_the_file(uploads):
    class Zeros:
        """A stream of so many zeros that takes no room."""

        def __init__(self, length):
            self.left = length

        def read(self, size):
            block = bytes(min(size, self.left))
            self.left -= len(block)
            return block

    length = 2**26
    digest = hashlib.sha256()
    for _ in range(64):
        digest.update(bytes(2**20))
    upload = uploads.begin("image.tar", length, digest.hexdigest())
    tracemalloc.start()
    try:
        uploads.append(upload, 0, Zeros(length))
        uploads.finish(upload)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2**22


CLIENT = '''
"""A client and its server in one: goes on with an upload; killed at a given line of the server's code."""
import io, json, os, pathlib, random, signal, sys
from unicare.web.archive import upload_folder, upload_writer, uploads

root, note, line = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
content = random.Random(0).randbytes(300_000)
files = {uploads.__file__, upload_folder.__file__, upload_writer.__file__}
count = 0

def trace(frame, event, argument):
    global count
    if frame.f_code.co_filename not in files:
        return None
    if event == "line":
        count += 1
        if count == line:
            os.kill(os.getpid(), signal.SIGKILL)
    return trace

server = uploads.Uploads(root, uploads.UploadLimits(spare_bytes=0))
uploads._BLOCK_BYTES = 10_000
sys.settrace(trace)
if not note.exists():
    note.write_text(server.begin("a", len(content), sys.argv[4]))
upload = note.read_text()
state = server.state(upload)
while not state.whole and state.length < len(content):
    piece = content[state.length : state.length + 65_000]
    state = server.append(upload, state.length, io.BytesIO(piece))
print(json.dumps([str(server.finish(upload)), count]))
'''


def test_killed_anywhere_it_goes_on_and_ends_whole(tmp_path):
    """kill -9 at a line of the code, drawn at random, again and again until one run gets through."""
    (tmp_path / "client.py").write_text(CLIENT)
    draw = random.Random(1)

    def run(folder, line):
        arguments = [
            sys.executable,
            "-S",
            str(tmp_path / "client.py"),
            folder / "root",
            folder / "note",
            str(line),
        ]
        source = Path(__file__).parents[3] / "src"
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(source), *sys.path])}
        done = subprocess.run([*arguments, HASH], capture_output=True, env=environment, check=False)
        assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()
        return json.loads(done.stdout) if done.returncode == 0 else None

    (tmp_path / "calm").mkdir()
    _, lines = run(tmp_path / "calm", 0)
    assert lines > 100
    kills = 0
    for number in range(4):
        folder = tmp_path / str(number)
        folder.mkdir()
        for _ in range(5):
            if run(folder, draw.randint(1, lines)) is None:
                kills += 1
            for data in folder.glob("root/*/data"):
                assert CONTENT.startswith(data.read_bytes())
            for whole in folder.glob("root/*/whole"):
                assert whole.read_bytes() == CONTENT
        path, _ = run(folder, 0)
        assert Path(path).read_bytes() == CONTENT
    assert kills >= 10
