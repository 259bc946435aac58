"""What teams hand in, unpacked: what is good is taken, what is bad is told, and nothing is harmed."""

import gzip
import io
import os
import stat
import struct
import tracemalloc
import zipfile

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.web.archive.hostile import (
    AFFINE,
    Raw,
    by_hand,
    end_of,
    labels,
    nifti,
    nifti_claiming,
    nifti_gz,
    zipped,
)

from unicare.core.errors import OutputError, SubmissionError
from unicare.web.archive.findings import UploadKind
from unicare.web.archive.unpack import UnpackLimits, unpack

GOOD = nifti_gz()
PLAIN = nifti()
SMALL = UnpackLimits(entries=20, file_bytes=10**6, total_bytes=2 * 10**6, volume_bytes=10**6, findings=10)


@pytest.fixture
def take(tmp_path):
    """Unpacks the bytes of an archive; afterwards nothing may lie anywhere but in the target."""

    def take(content, limits=SMALL):
        source, target = tmp_path / "upload.zip", tmp_path / "predictions"
        source.write_bytes(content)
        try:
            return unpack(source, target, limits)
        finally:
            assert {path.name for path in tmp_path.iterdir()} <= {"upload.zip", "predictions"}
            assert all(path.is_file() and not path.is_symlink() for path in target.glob("**/*"))

    return take


def kinds(unpacked):
    return [finding.kind for finding in unpacked.findings]


def names(unpacked):
    return [file.name for file in unpacked.files]


@pytest.mark.parametrize("before", ["", "predictions/", "x\\", "Übung 3/"])
@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_good_archive(take, before, compression):
    made = {f"{before}b_pred.nii": nifti(), f"{before}Fall ä (1).nii.gz": GOOD, f"{before}C.NII.GZ": GOOD}
    unpacked = take(zipped(made, compression))
    assert unpacked.ok
    assert unpacked.findings == ()
    assert names(unpacked) == ["C.nii.gz", "Fall ä (1).nii.gz", "b_pred.nii"]
    assert [file.size for file in unpacked.files] == [len(GOOD), len(GOOD), len(nifti())]
    assert (unpacked.folder / "C.nii.gz").read_bytes() == GOOD
    assert np.array_equal(nib.load(unpacked.folder / "b_pred.nii").get_fdata(), labels())


def test_a_zip_in_64_bits_and_one_with_a_comment(take, tmp_path):
    raw = Raw(b"a.nii", nifti())
    assert names(take(by_hand([raw], zip64=True))) == ["a.nii"]
    (tmp_path / "predictions" / "a.nii").unlink()
    (tmp_path / "predictions").rmdir()
    assert names(take(by_hand([raw], comment=b"made by hand"))) == ["a.nii"]


def test_an_archive_that_was_written_to_a_stream(take):
    """Its sizes stand behind the files, as those of browsers and pipes do."""

    class Pipe(io.RawIOBase):
        def __init__(self):
            self.content = bytearray()

        def writable(self):
            return True

        def write(self, block):
            self.content += block
            return len(block)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("a.nii", "b.nii"):
            with archive.open(name, "w", force_zip64=name == "b.nii") as file:
                file.write(PLAIN)
    assert names(take(bytes(pipe.content))) == ["a.nii", "b.nii"]


def test_what_file_managers_leave_behind_is_passed_over_and_said(take):
    litter = (
        "__MACOSX/p/._a.nii.gz",
        "p/.DS_Store",
        "p/Thumbs.db",
        ".hidden/x.nii.gz",
        "p/._b.nii",
        "p/desktop.ini",
    )
    unpacked = take(zipped({"p/": b"", "p/a.nii.gz": GOOD, **dict.fromkeys(litter, b"x")}))
    assert unpacked.ok
    assert names(unpacked) == ["a.nii.gz"]
    assert [(one.kind, one.note) for one in unpacked.findings] == [(UploadKind.IGNORED, True)]
    assert "and 3 more" in unpacked.findings[0].text


UNSAFE = [
    "../a.nii.gz",
    "p/../../a.nii.gz",
    "..\\a.nii.gz",
    "/etc/a.nii.gz",
    "\\\\server\\a.nii.gz",
    "C:\\a.nii.gz",
    "c:a.nii.gz",
    "p//a.nii.gz",
    "p/./a.nii.gz",
    "a\n.nii.gz",
    "a\x1b[31m.nii.gz",
    "a\x7f.nii.gz",
    "a\x00b.nii.gz",
    "a\u202egz.nii.gz",
    "a\u2066.nii.gz",
    "a\u200b.nii.gz",
    "a\ufeff.nii.gz",
    "a\u2028.nii.gz",
    "a" * 201 + ".nii.gz",
    "ä" * 101 + ".nii.gz",
    " ",
]


@pytest.mark.parametrize("name", UNSAFE, ids=ascii)
def test_names_that_lead_elsewhere_or_deceive(take, name):
    unpacked = take(by_hand([Raw(b"good.nii", nifti()), Raw(name.encode(), nifti())]))
    assert names(unpacked) == ["good.nii"]
    assert kinds(unpacked) == [UploadKind.NAME]
    told = unpacked.findings[0].name
    assert told.isascii() or told.isprintable()
    assert len(told) < 500
    assert all(one.isprintable() for one in told)


def test_html_in_names_is_shown_as_escapes(take):
    name = "<img src=x onerror=\"alert('1')\">&.nii.gz"
    finding = take(by_hand([Raw(name.encode(), b"no volume")])).findings[0]
    assert finding.kind is UploadKind.UNREADABLE
    assert not set(finding.name) & set("<>&\"'`")
    assert "<" not in finding.text
    assert "onerror" in finding.name


@pytest.mark.parametrize("mode", [0o120777, 0o060600, 0o020600, 0o010600, 0o140600], ids=oct)
def test_links_and_devices_are_refused_by_name(take, mode):
    unpacked = take(
        by_hand([Raw(b"p/a.nii.gz", b"/etc/passwd", mode=mode), Raw(b"p/b.nii", nifti(), mode=0o100644)])
    )
    assert kinds(unpacked) == [UploadKind.LINK]
    assert names(unpacked) == ["b.nii"]
    assert unpacked.refused == ("a.nii.gz",)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a.nii.gz", "a.nii.gz"),
        ("a.nii.gz", "A.nii.GZ"),
        ("\u00e4.nii.gz", "a\u0308.nii.gz"),
        ("ß.nii.gz", "SS.nii.gz"),
    ],
    ids=ascii,
)
def test_names_that_are_the_same_for_some_systems(take, one, other):
    unpacked = take(by_hand([Raw(one.encode(), GOOD), Raw(other.encode(), GOOD)]))
    assert kinds(unpacked) == [UploadKind.DUPLICATE]
    assert names(unpacked) == [one]


def test_only_volumes_are_taken_the_rest_is_refused_by_name(take):
    made = {
        "a.nii.gz": GOOD,
        "run.sh": b"x",
        "more.zip": b"x",
        "more.tar.gz": b"x",
        "a.nii.gz.html": b"x",
        "nii": b"x",
    }
    unpacked = take(zipped(made))
    told = {one.name: one.kind for one in unpacked.findings}
    other, nested = UploadKind.OTHER_FILE, UploadKind.NESTED
    assert told == {
        "run.sh": other,
        "more.zip": nested,
        "more.tar.gz": nested,
        "a.nii.gz.html": other,
        "nii": other,
    }
    assert names(unpacked) == ["a.nii.gz"]


def test_an_archive_that_calls_itself_a_volume(take):
    unpacked = take(
        zipped({"a.nii.gz": zipped({"b.nii.gz": GOOD}), "b.nii.gz": gzip.compress(b"PK\3\4" * 99)})
    )
    assert kinds(unpacked) == [UploadKind.UNREADABLE] * 2
    assert names(unpacked) == []


@pytest.mark.parametrize(
    "made", [("a/x.nii.gz", "b/y.nii.gz"), ("x.nii.gz", "b/y.nii.gz"), ("a/b/x.nii.gz",)], ids=str
)
def test_one_folder_may_wrap_all_and_no_more(take, made):
    unpacked = take(zipped(dict.fromkeys(made, GOOD)))
    assert kinds(unpacked) == [UploadKind.FOLDERS]
    assert len(unpacked.files) == len(made)


def test_an_archive_without_volumes(take):
    assert kinds(take(zipped({}))) == [UploadKind.EMPTY]


def test_encrypted_files_and_other_compressions(take):
    made = [
        Raw(b"locked.nii.gz", GOOD, flags=0x1),
        Raw(b"lzma.nii.gz", GOOD, method=14),
        Raw(b"deflate64.nii.gz", GOOD, method=9),
        Raw(b"unknown.nii.gz", GOOD, method=4711),
        Raw(b"good.nii.gz", GOOD, method=8),
    ]
    unpacked = take(by_hand(made))
    assert kinds(unpacked) == [UploadKind.ENCRYPTED] + [UploadKind.COMPRESSION] * 3
    assert "lzma" in unpacked.findings[1].text
    assert names(unpacked) == ["good.nii.gz"]


def test_damage_within_single_files_leaves_the_others(take):
    made = [
        Raw(b"crc.nii", nifti(), crc=1),
        Raw(b"short.nii", nifti(), size=len(nifti()) + 10),
        Raw(b"long.nii", nifti(), method=8, size=100),
        Raw(b"garbage.nii", nifti(), method=8, packed=b"\xff" * 90),
        Raw(b"cut.nii", nifti(), method=8, packed=Raw(b"", nifti(), method=8).stored()[:-20]),
        Raw(b"other_name.nii", nifti(), local_name=b"another_one.nii"[:14]),
        Raw(b"good.nii", nifti()),
    ]
    unpacked = take(by_hand(made))
    assert kinds(unpacked) == [UploadKind.DAMAGED] * 6
    assert names(unpacked) == ["good.nii"]


@pytest.mark.parametrize("stay", [0, 1, 21, 22, 100, 200, -1, -21, -22, -60])
def test_truncated_archives(take, stay):
    with pytest.raises(SubmissionError):
        take(zipped({"a.nii.gz": GOOD, "b.nii.gz": GOOD})[:stay])


WHOLE = zipped({"a.nii.gz": GOOD})
ODD = {
    "junk before": (b"#!/bin/sh\n" + WHOLE, "before it"),
    "junk before, told": (
        by_hand([Raw(b"a.nii", nifti())], before=b"x" * 64, shift=64),
        "belongs to no file",
    ),
    "junk behind": (WHOLE + b"junk", "behind its end"),
    "junk between": (by_hand([Raw(b"a.nii", nifti())], between=b"x" * 64), "before it, or between"),
    "two archives": (WHOLE + WHOLE, "before it"),
    "too few listed": (by_hand([Raw(b"a.nii", nifti()), Raw(b"b.nii", nifti())], count=1), "another number"),
    "too many listed": (by_hand([Raw(b"a.nii", nifti())], count=2), "another number"),
    "several disks": (WHOLE[:-18] + struct.pack("<2H", 1, 0) + WHOLE[-14:], "one part of several"),
    "64 bits contradict": (
        by_hand([Raw(b"a.nii", nifti())])[:-22]
        + end_of(1, 51, 9999, zip64=True)[:-22]
        + by_hand([Raw(b"a.nii", nifti())])[-22:],
        "contradicts itself",
    ),
    "offset to no head": (
        Raw(b"a.nii", b"x" * 40).local()
        + b"y" * 40
        + (central := Raw(b"a.nii", b"x" * 40).central(0) + Raw(b"b.nii").central(76))
        + end_of(2, len(central), 115),
        "isn't where",
    ),
    "offset beyond": (by_hand([Raw(b"a.nii", nifti()), Raw(b"b.nii", nifti(), offset=2**31)]), "isn't where"),
    "offset into data": (by_hand([Raw(b"a.nii", nifti()), Raw(b"b.nii", nifti(), offset=1)]), "overlap"),
    "tar": (b"\0" * 257 + b"ustar\0" + b"\0" * 999, "tar"),
    "gzip": (GOOD, "gzip"),
    "7z": (b"7z\xbc\xaf\x27\x1c" + b"\0" * 99, "7z"),
    "text": (b"hello" * 99, "unknown kind"),
    "empty": (b"", "empty"),
    "bad utf-8 in a name": (by_hand([Raw(b"\xff\xfe.nii", nifti())]), "damaged"),
    "a newer version's extra field": (
        by_hand([Raw(b"a.nii", nifti(), extra=b"\x01\x00\x20\x00")]),
        "damaged",
    ),
}


@pytest.mark.parametrize(("content", "words"), ODD.values(), ids=ODD)
def test_archives_that_are_wrong_as_a_whole(take, content, words):
    with pytest.raises(SubmissionError, match=words) as told:
        take(content)
    assert "/tmp" not in str(told.value)


@pytest.mark.parametrize("lie", [{"count": 10**6, "zip64": True}, {"count": 7}, {"count": 0}])
def test_a_million_entries_are_refused_before_they_are_read(take, lie):
    central = Raw(b"a.nii").central(0) * 10**6
    archive = (
        Raw(b"a.nii").local()
        + central
        + end_of(lie["count"], len(central), 35, zip64=lie.get("zip64", False))
    )
    del central
    tracemalloc.start()
    try:
        with pytest.raises(SubmissionError, match=r"too many files|too long"):
            take(archive)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2**21


def test_one_more_entry_than_allowed(take):
    made = {f"{number}.nii.gz": GOOD for number in range(21)}
    with pytest.raises(SubmissionError, match="at most 20"):
        take(zipped(made))
    made.popitem()
    assert take(zipped(made)).ok


def overlapping(count=10):
    """Files that all hold the same kernel of bytes, each quoting the head of the next (D. Fifield, 2019)."""
    kernel = Raw(b"k.nii", bytes(10**5), method=8)
    body, central = kernel.local(), []
    names = [b"%03d.nii" % number for number in range(count)]
    for name in names:
        quoted = Raw(name, b"", method=0, packed=body, packed_size=len(body), size=len(body), crc=0)
        body = quoted.local()
        central.append((quoted, len(body)))
    directory = b"".join(raw.central(len(body) - length) for raw, length in central)
    directory += kernel.central(len(body) - len(kernel.local()))
    return body + directory + end_of(count + 1, len(directory), len(body))


def test_files_that_share_bytes(take):
    same = by_hand([Raw(b"a.nii", nifti()), Raw(b"b.nii", nifti(), offset=0)])
    for archive in (overlapping(), same):
        assert zipfile.ZipFile(io.BytesIO(archive)).infolist()
        with pytest.raises(SubmissionError, match="overlap"):
            take(archive)


def test_bombs_are_refused_by_what_they_claim(take):
    big = Raw(b"big.nii", bytes(2 * 10**6), method=8)
    more = struct.pack("<2HQ", 1, 8, 2**40)
    huge = Raw(b"huge.nii", b"x" * 1000, size=0xFFFFFFFF, extra=more)
    odd = Raw(b"odd.nii", b"x", size=500_000)
    unpacked = take(by_hand([big, huge, odd, Raw(b"good.nii", nifti())]))
    assert kinds(unpacked) == [UploadKind.TOO_BIG] * 3
    assert "1100 GB" in unpacked.findings[1].text
    assert names(unpacked) == ["good.nii"]


def test_files_that_are_too_big_together(take):
    zeros = {f"{number}.nii": bytes(900_000) for number in range(3)}
    with pytest.raises(SubmissionError, match="too big"):
        take(zipped(zeros))


def test_bombs_that_lie_are_stopped_while_they_are_read(take):
    """Ten million zeros behind a header that says 400 bytes; no more than those are ever written."""
    bomb = Raw(b"bomb.nii", bytes(10**7), method=8, size=400)
    tracemalloc.start()
    try:
        unpacked = take(by_hand([bomb, Raw(b"good.nii", nifti())]))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kinds(unpacked) == [UploadKind.DAMAGED]
    assert names(unpacked) == ["good.nii"]
    assert peak < 2**23


def test_volumes_that_claim_terabytes_cost_nothing(take):
    claims = {
        "terabytes.nii": nifti_claiming((32767, 32767, 32767)),
        "terabytes_too.nii.gz": gzip.compress(nifti_claiming((32767, 32767, 32767))),
        "offset.nii": nifti()[:108] + struct.pack("<f", 2.0**39) + nifti()[112:],
        "more_than_there_is.nii": nifti_claiming((50, 50, 50), code=2),
    }
    tracemalloc.start()
    try:
        unpacked = take(zipped(claims))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kinds(unpacked) == [UploadKind.UNREADABLE] * 4
    texts = {one.name: one.text for one in unpacked.findings}
    assert "too big" in texts["terabytes.nii"]
    assert "2.814e+05 GB" in texts["terabytes_too.nii.gz"]
    assert "too big" in texts["offset.nii"]
    assert "cut off" in texts["more_than_there_is.nii"]
    assert peak < 2**23


def test_gzip_bombs_within_volumes(take):
    """A good header, and then far more than it tells of: no more than that is unpacked."""
    bomb = gzip.compress(nifti() + bytes(5 * 10**7), compresslevel=1)
    limits = UnpackLimits(file_bytes=10**7)
    tracemalloc.start()
    try:
        unpacked = take(
            zipped({"bomb.nii.gz": bomb, "padded.nii.gz": gzip.compress(nifti() + bytes(512))}), limits
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kinds(unpacked) == [UploadKind.UNREADABLE]
    assert "goes on behind its voxels" in unpacked.findings[0].text
    assert names(unpacked) == ["padded.nii.gz"]
    assert peak < 2**23


def test_volumes_that_are_none(take):
    cut = GOOD[:-30]
    made = {
        "empty.nii": b"",
        "text.nii.gz": b"no volume",
        "cut.nii.gz": cut,
        "flipped.nii.gz": GOOD[:-6] + bytes([GOOD[-6] ^ 255]) + GOOD[-5:],
        "four.nii": nifti(np.zeros((3, 3, 3, 2), np.uint8)),
        "flat.nii": nifti(np.zeros((3, 3), np.uint8)),
        "long.nii": nifti() + bytes(10_000),
        "good.nii.gz": GOOD,
    }
    unpacked = take(zipped(made))
    assert kinds(unpacked) == [UploadKind.UNREADABLE] * 7
    assert [one.name for one in unpacked.findings] == list(made)[:-1]
    assert names(unpacked) == ["good.nii.gz"]
    for finding in unpacked.findings:
        assert str(unpacked.folder.parent) not in finding.text


def test_findings_are_listed_up_to_a_number(take):
    unpacked = take(zipped({f"{number}.txt": b"x" for number in range(15)}))
    assert len(unpacked.findings) == 11
    assert unpacked.findings[-1].kind is UploadKind.MORE
    assert "6 more" in unpacked.findings[-1].text


def test_a_folder_of_files(tmp_path):
    source = tmp_path / "given"
    (source / "p").mkdir(parents=True)
    (source / "p" / "a_pred.nii.gz").write_bytes(GOOD)
    (source / ".DS_Store").write_bytes(b"x")
    unpacked = unpack(source, tmp_path / "out")
    assert unpacked.ok
    assert names(unpacked) == ["a_pred.nii.gz"]
    assert (source / "p" / "a_pred.nii.gz").read_bytes() == GOOD


def test_what_may_lie_in_a_folder_that_a_hostile_program_wrote(tmp_path):
    source = tmp_path / "given"
    (source / "deep" / "b" / "c" / "d" / "e").mkdir(parents=True)
    (source / "a.nii").write_bytes(nifti())
    (source / "link.nii").symlink_to("/etc/passwd")
    (source / "folder_link").symlink_to("/etc")
    os.mkfifo(source / "pipe.nii")
    os.mknod(source / "socket.nii", stat.S_IFSOCK | 0o600)
    with (source / "huge.nii").open("wb") as file:
        file.truncate(2**40)
    os.close(os.open(bytes(source) + b"/bad\xff.nii", os.O_CREAT))
    unpacked = unpack(source, tmp_path / "out")
    assert names(unpacked) == ["a.nii"]
    link, folders = UploadKind.LINK, UploadKind.FOLDERS
    assert sorted(kinds(unpacked)) == sorted([link] * 4 + [folders, UploadKind.TOO_BIG, UploadKind.NAME])
    with pytest.raises(SubmissionError, match="too many files"):
        unpack(source, tmp_path / "other", UnpackLimits(entries=5))
    assert not (tmp_path / "other").exists()


def test_files_that_came_one_by_one(tmp_path):
    (tmp_path / "one").write_bytes(GOOD)
    (tmp_path / "link").symlink_to("/etc/passwd")
    given = ("p/a.nii.gz", "p/A.nii.gz", "../b.nii.gz", "p/notes.txt", "p/e\u0301.NII.gz")
    files = dict.fromkeys(given, tmp_path / "one") | {"p/c.nii.gz": tmp_path / "link"}
    unpacked = unpack(files, tmp_path / "out")
    assert names(unpacked) == ["a.nii.gz", "\u00e9.nii.gz"]
    assert set(kinds(unpacked)) == {
        UploadKind.DUPLICATE,
        UploadKind.NAME,
        UploadKind.OTHER_FILE,
        UploadKind.LINK,
    }
    with pytest.raises(SubmissionError, match="too many files"):
        unpack(files, tmp_path / "other", UnpackLimits(entries=5))


def test_nothing_is_written_over(tmp_path):
    (tmp_path / "a.zip").write_bytes(WHOLE)
    (tmp_path / "target").mkdir()
    with pytest.raises(OutputError, match="already"):
        unpack(tmp_path / "a.zip", tmp_path / "target")
    with pytest.raises(OutputError, match="No such file"):
        unpack(tmp_path / "nowhere.zip", tmp_path / "other")
    assert {path.name for path in tmp_path.iterdir()} == {"a.zip", "target"}


SEED = zipped({"p/a.nii.gz": GOOD, "p/b.nii": nifti(), "p/.x": b"x"})
SEED_64 = by_hand([Raw(b"a.nii", nifti(), method=8), Raw(b"b.nii.gz", GOOD)], zip64=True, comment=b"hello")
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(("set", "cut", "add", "copy")),
        st.integers(0, 10**4),
        st.binary(min_size=1, max_size=8),
    ),
    min_size=1,
    max_size=6,
)


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.sampled_from((SEED, SEED_64)), changes=CHANGES, from_end=st.booleans())
def test_whatever_bytes_come(tmp_path, seed, changes, from_end):
    """Mutations of a good archive: a result or a SubmissionError, and never a byte outside the target."""
    content = bytearray(seed)
    for what, where, value in changes:
        at = len(content) - where % 300 if from_end else where % (len(content) + 1)
        at = max(0, at)
        if what == "set":
            content[at : at + len(value)] = value
        elif what == "cut":
            del content[at : at + len(value)]
        elif what == "add":
            content[at:at] = value
        else:
            content[at:at] = content[at : at + 50]
    folder = tmp_path / os.urandom(8).hex()
    folder.mkdir()
    (folder / "upload.zip").write_bytes(content)
    try:
        unpacked = unpack(folder / "upload.zip", folder / "target", SMALL)
    except SubmissionError:
        assert {path.name for path in folder.iterdir()} == {"upload.zip"}
    else:
        assert {path.name for path in folder.iterdir()} == {"upload.zip", "target"}
        assert {path.name for path in unpacked.folder.iterdir()} == {file.name for file in unpacked.files}
        assert all(path.stat().st_size <= SMALL.file_bytes for path in unpacked.folder.iterdir())


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(min_size=1, max_size=40), end=st.sampled_from((".nii", ".nii.gz", "")))
def test_whatever_names_come(tmp_path, name, end):
    folder = tmp_path / os.urandom(8).hex()
    folder.mkdir()
    raw = (name + end).encode("utf-8", "replace")
    (folder / "upload.zip").write_bytes(by_hand([Raw(raw, PLAIN)]))
    unpacked = unpack(folder / "upload.zip", folder / "target", SMALL)
    assert {path.name for path in folder.iterdir()} == {"upload.zip", "target"}
    told = [one for one in unpacked.findings if one.kind != UploadKind.EMPTY]
    assert len(unpacked.files) + len(told) == (not raw.endswith(b"/"))  # such a name is a folder's
    for finding in unpacked.findings:
        assert all(one.isprintable() for one in finding.name + finding.text)
        assert not set(finding.name) & set("<>&\"'")


VOLUMES = (
    PLAIN,
    GOOD,
    nib.Nifti2Image(labels(), AFFINE).to_bytes(),
    gzip.compress(nib.Nifti1Image(labels().astype(">f4"), AFFINE).to_bytes()),
)


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    volume=st.sampled_from(VOLUMES),
    changes=st.lists(
        st.tuples(st.integers(0, 600), st.binary(min_size=1, max_size=8)), min_size=1, max_size=6
    ),
    inside=st.booleans(),
)
def test_whatever_volumes_come(tmp_path, volume, changes, inside):
    """Mutations of good volumes, also of their bytes before compression: taken, or told why not."""
    wrapped = inside and volume.startswith(b"\x1f\x8b")
    content = bytearray(gzip.decompress(volume) if wrapped else volume)
    for at, value in changes:
        content[at % len(content) : at % len(content) + len(value)] = value
    (tmp_path / "volume").write_bytes(gzip.compress(content) if wrapped else content)
    target = tmp_path / os.urandom(8).hex()
    unpacked = unpack({"a.nii.gz": tmp_path / "volume"}, target, SMALL)
    assert len(unpacked.files) + len(unpacked.findings) == 1
    assert len(list(target.iterdir())) == len(unpacked.files)
