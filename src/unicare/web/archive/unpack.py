"""A zip archive or folder that a team handed in, made a folder of predictions, whatever is in it."""

from __future__ import annotations

import os
import shutil
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from unicare.core.errors import OutputError, SubmissionError, UnicareError
from unicare.data.nifti import NIFTI_SUFFIXES, stem
from unicare.web.archive.findings import FindingList, UploadFinding, UploadKind
from unicare.web.archive.names import clean_sentence, is_litter, shown, spelling, split_path, what_is_wrong
from unicare.web.archive.sources import READ_ERRORS, Entry, Source, open_source
from unicare.web.archive.volumes import check_volume

__all__ = ["UnpackLimits", "Unpacked", "UnpackedFile", "unpack"]

_BLOCK_BYTES = 2**20
_RATIO_SLACK_BYTES = 2**16
_ARCHIVE_ENDS = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".lzma")
_NAMED = 3


@dataclass(frozen=True)
class UnpackLimits:
    """What is taken.

    Attributes:
        entries: files and folders that an archive may list.
        file_bytes: of one file, once it is out of the archive.
        total_bytes: of all files together.
        volume_bytes: of one volume, once .nii.gz is unpacked as well.
        ratio: how much more a file may hold than it takes in the archive; deflate can't do more than 1032.
        findings: how many are listed.
    """

    entries: int = 10_000
    file_bytes: int = 2**30
    total_bytes: int = 2**34
    volume_bytes: int = 2**30
    ratio: int = 1032
    findings: int = 200


@dataclass(frozen=True)
class UnpackedFile:
    """A file that was taken.

    Attributes:
        name: in the folder.
        size: in bytes.
    """

    name: str
    size: int


@dataclass(frozen=True)
class Unpacked:
    """A folder of predictions, and what is worth telling about it.

    Attributes:
        folder: where the files are, without folders in it.
        files: those that were taken, by name.
        findings: what is wrong, and what is good to know.
        refused: names, without folders, of those that should have been predictions; not safe to show.
    """

    folder: Path
    files: tuple[UnpackedFile, ...]
    findings: tuple[UploadFinding, ...]
    refused: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return all(finding.note for finding in self.findings)


def unpack(source: Source, target: Path, limits: UnpackLimits | None = None) -> Unpacked:
    """Takes the predictions out of an archive or a folder.

    Taken are files that end in .nii or .nii.gz, at the top or in one folder that wraps them all. What is
    wrong with single files is listed, and the others are taken. Nothing is written but plain files in
    ``target``.

    Args:
        source: a zip archive, a folder of plain files, or files that came one by one: names and places.
        target: a folder that isn't there yet; it appears when all is done.
        limits: how much is taken.

    Raises:
        SubmissionError: it is wrong as a whole: no zip archive, a damaged one, or one that is made to harm.
        OutputError: the target can't be written to, or is there.
    """
    limits = limits or UnpackLimits()
    if target.exists():
        raise OutputError("the folder to unpack to is there already", mend="remove it first")
    part = target.with_name(f".{target.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        with open_source(source, limits.entries) as entries:
            work = _Unpacking(part, limits, FindingList(limits.findings), [], [])
            work.take_all(entries)
        os.replace(part, target)
    except OSError as error:
        raise OutputError(
            "the submission can't be unpacked", found=error.strerror or type(error).__name__
        ) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    files = tuple(sorted(work.files, key=lambda file: file.name))
    return Unpacked(target, files, work.findings.every(), tuple(work.refused))


@dataclass
class _Unpacking:
    """The work on one source: what was found and taken so far."""

    part: Path
    limits: UnpackLimits
    findings: FindingList
    files: list[UnpackedFile]
    refused: list[str]

    def take_all(self, entries: Iterable[Entry]) -> None:
        """Takes every file that can be taken, and says of all others why not."""
        chosen = list(self._choose(entries))
        self._tell_folders(chosen)
        total = sum(entry.size for entry, _ in chosen)
        if total > self.limits.total_bytes:
            raise SubmissionError(
                "the predictions are too big",
                found=f"{total / 1e9:.4g} GB once they are unpacked",
                expected=f"at most {self.limits.total_bytes / 1e9:.4g} GB",
                mend="write labels in a small integer type, as .nii.gz",
            )
        taken: dict[str, str] = {}
        for entry, name in chosen:
            key = spelling(name)
            if key in taken:
                same = "the same name" if taken[key] == name else f"a name like {shown(taken[key])}"
                self._refuse(entry, UploadKind.DUPLICATE, f"there are two files of {same}; keep one")
                continue
            taken[key] = name
            self._take(entry, name)
        if not chosen and not any(stem(name) for name in self.refused):
            text = "there is no .nii or .nii.gz file in it; one is expected for every case"
            self.findings.add(UploadFinding(UploadKind.EMPTY, text))

    def _choose(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, str]]:
        """The entries that are to be taken, with their names."""
        litter = []
        for entry in entries:
            if is_litter(entry.raw):
                litter.append(entry.raw)
                continue
            fault = _fault(entry, self.limits)
            if fault is None:
                yield entry, _own_name(entry.raw)
            else:
                self._refuse(entry, *fault)
        if litter:
            text = f"hidden files and those of file managers were passed over: {_some(litter)}"
            self.findings.add(UploadFinding(UploadKind.IGNORED, text, note=True))

    def _tell_folders(self, chosen: Iterable[tuple[Entry, str]]) -> None:
        folders = {str(PurePosixPath(*split_path(entry.raw)[:-1])) for entry, _ in chosen}
        deep = any("/" in folder for folder in folders)
        if deep or len(folders) > 1:
            names = sorted("the top" if folder == "." else folder for folder in folders)
            where = "folders in folders" if deep else "several folders"
            text = f"files lie in {where} ({_some(names)}); put all into one folder, or into none"
            self.findings.add(UploadFinding(UploadKind.FOLDERS, text))

    def _refuse(self, entry: Entry, kind: UploadKind, why: str) -> None:
        name = split_path(entry.raw)[-1]
        self.refused.append(name)
        # a path that leads elsewhere is shown as it is, any other by its last part
        label = shown(entry.raw if kind is UploadKind.NAME else name)
        self.findings.add(UploadFinding(kind, why, label))

    def _take(self, entry: Entry, name: str) -> None:
        path = self.part / name
        try:
            size = _copy(entry, path, self.limits)
            check_volume(path, shown(name), self.limits.volume_bytes)
        except _TooMuchError:
            self._refuse(entry, UploadKind.DAMAGED, "holds more than its archive says; make the zip again")
        except READ_ERRORS:
            self._refuse(entry, UploadKind.DAMAGED, "damaged within the archive; make the zip again")
        except UnicareError as error:
            text = clean_sentence(str(error)).removeprefix(f"{shown(name)}: ")
            self._refuse(entry, UploadKind.UNREADABLE, text)
        else:
            self.files.append(UnpackedFile(name, size))
            return
        with suppress(FileNotFoundError):
            path.unlink()


class _TooMuchError(Exception):
    """An entry that holds more than was said."""


def _copy(entry: Entry, path: Path, limits: UnpackLimits) -> int:
    """Writes an entry to a new file, no more of it than was announced; gives its size."""
    most = min(entry.size, limits.file_bytes)
    if entry.packed is not None:
        most = min(most, _unpacked_at_most(entry.packed, limits))
    size = 0
    with entry.open() as stream, path.open("xb") as file:
        while block := stream.read(_BLOCK_BYTES):
            size += len(block)
            if size > most:
                raise _TooMuchError
            file.write(block)
    if size < entry.size:
        raise EOFError
    return size


def _unpacked_at_most(packed: int, limits: UnpackLimits) -> int:
    return packed * limits.ratio + _RATIO_SLACK_BYTES


def _fault(entry: Entry, limits: UnpackLimits) -> tuple[UploadKind, str] | None:
    """Why an entry isn't taken, by what its source says of it; None if it is."""
    wrong = what_is_wrong(entry.raw)
    if wrong is not None:
        return UploadKind.NAME, wrong
    if entry.fault is not None:
        return entry.fault
    name = split_path(entry.raw)[-1]
    if stem(name):
        return _size_fault(entry, limits)
    if name.lower().endswith(_ARCHIVE_ENDS):
        return UploadKind.NESTED, "an archive within the submission; put its files there instead"
    return UploadKind.OTHER_FILE, "not a prediction: only .nii and .nii.gz files are taken"


def _size_fault(entry: Entry, limits: UnpackLimits) -> tuple[UploadKind, str] | None:
    if entry.size > limits.file_bytes:
        sizes = f"{entry.size / 1e9:.4g} GB; at most {limits.file_bytes / 1e9:.4g} GB are taken"
        return UploadKind.TOO_BIG, f"{sizes}; write labels in a small integer type"
    if entry.packed is not None and entry.size > _unpacked_at_most(entry.packed, limits):
        times = f"says to hold more than {limits.ratio} times what it takes in the archive"
        return UploadKind.TOO_BIG, f"{times}, as no label map does; make the zip again"
    return None


def _own_name(raw: str) -> str:
    """What a file is called here: accents composed, and its ending in small letters."""
    name = unicodedata.normalize("NFC", split_path(raw)[-1])
    for suffix in NIFTI_SUFFIXES:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)] + suffix
    return name


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(shown(name, 40) for name in names[:_NAMED]) + more
