"""The entries of a tar file from an unknown hand: headers of bounded size, nothing unpacked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NoReturn

from unicare.core.errors import SubmissionError

__all__ = ["TarEntry", "walk_tar"]

_BLOCK = 512
_LONGEST_EXTENSION = 2**18
_LONGEST_PATH = 4096  # as the kernel has it
_FILE, _HARD_LINK, _SYMBOLIC_LINK = "file", "hard link", "symbolic link"
_KINDS = {
    b"0": _FILE,
    b"\0": _FILE,
    b"7": _FILE,
    b"1": _HARD_LINK,
    b"2": _SYMBOLIC_LINK,
    b"3": "device",
    b"4": "device",
    b"5": "folder",
    b"6": "pipe",
}


@dataclass(frozen=True)
class TarEntry:
    """One entry.

    Attributes:
        name: as it stands there, without "./" in front.
        kind: file, hard link, symbolic link, folder, device, pipe.
        size: bytes of data.
        link: what a link points to.
        offset: where its data begin.
    """

    name: str
    kind: str
    size: int
    link: str
    offset: int

    @property
    def is_file(self) -> bool:
        """Whether it has contents of its own."""
        return self.kind == _FILE

    @property
    def leaves(self) -> bool:
        """Whether its name, or a hard link's target, leads out of the place where it is unpacked."""
        paths = [self.name, self.link] if self.kind == _HARD_LINK else [self.name]
        return any(path.startswith("/") or ".." in path.split("/") for path in paths)


def walk_tar(
    what: str, read: Callable[[int], bytes], skip: Callable[[int], None], most_entries: int
) -> Iterator[TarEntry]:
    """Goes from header to header.

    Args:
        what: the file, for messages to a team.
        read: gives so many bytes, fewer only at the end.
        skip: passes over so many bytes.
        most_entries: more are refused.

    Raises:
        SubmissionError: damaged, too many entries, or kinds of entries that have no place in an image.
    """
    offset, count = 0, 0
    longer: dict[str, str] = {}
    marks = b""  # of the extensions of the entry that comes
    while True:
        block = read(_BLOCK)
        offset += len(block)
        if not block or block == bytes(_BLOCK):
            return
        entry, extension = _parse(what, block, offset)
        count += 1
        if count > most_entries:
            raise SubmissionError(f"{what}: too many entries", expected=f"at most {most_entries}")
        if extension:
            if extension != b"g":
                marks += extension
                _check_marks(what, marks)
            longer |= _extension(what, extension, entry.size, read)
            offset += _padded(entry.size)
            continue
        entry = _extended(what, entry, longer)
        longer, marks = {}, b""
        yield entry
        skip(_padded(entry.size))
        offset += _padded(entry.size)


def _parse(what: str, block: bytes, offset: int) -> tuple[TarEntry, bytes]:
    """A header, and the mark of what it extends instead of being an entry (x, g, L, K)."""
    if len(block) < _BLOCK:
        _damaged(what, "it ends within a header")
    if sum(block[:148]) + 8 * 32 + sum(block[156:]) != _number(what, block[148:156]):
        _damaged(what, "a header's checksum is wrong; is this a tar archive?")
    mark = block[156:157]
    name, link = _text(block[:100]), _text(block[157:257])
    if block[257:263] == b"ustar\0" and block[345]:
        name = f"{_text(block[345:500])}/{name}"
    size = _number(what, block[124:136])
    if mark in b"xgLK":
        return TarEntry(name, "", size, link, offset), mark
    kind = _KINDS.get(mark)
    if kind is None:
        raise SubmissionError(
            f"{what}: an entry of an unusual kind",
            found=f"type {ascii(mark)[1:]}",
            mend="save the image again",
        )
    # headers of links, folders and devices may state a size, but no data follow them
    return TarEntry(_plain(name), kind, size if kind == _FILE else 0, link, offset), b""


def _check_marks(what: str, marks: bytes) -> None:
    """One extension of each kind, for of several each reader takes another one for true."""
    if len(set(marks)) < len(marks) or (b"x" in marks and len(marks) > 1):
        _damaged(what, "an entry has several extended headers")


def _extension(what: str, mark: bytes, size: int, read: Callable[[int], bytes]) -> dict[str, str]:
    """What an extension says of the entry that follows: path, linkpath, size."""
    if size > _LONGEST_EXTENSION:
        raise SubmissionError(
            f"{what}: an entry's extended header is too long",
            found=f"{size} bytes",
            expected=f"at most {_LONGEST_EXTENSION}",
        )
    data = read(_padded(size))[:size]
    if len(data) < size:
        _damaged(what, "it ends within a header")
    if mark in b"LK":
        return {"path" if mark == b"L" else "linkpath": _text(data)}
    records = dict(_records(what, data))
    if (mark == b"g" and records.keys() & {"path", "linkpath", "size"}) or any(
        "sparse" in key for key in records
    ):
        raise SubmissionError(
            f"{what}: sparse files and names for all entries at once are not taken",
            mend="save the image again",
        )
    return {key: value for key, value in records.items() if key in ("path", "linkpath", "size")}


def _records(what: str, data: bytes) -> Iterator[tuple[str, str]]:
    """Lines of ``<length> <key>=<value>``, one after the other."""
    place = 0
    while place < len(data):
        digits, _, _ = data[place : place + 20].partition(b" ")
        length = int(digits) if digits.isdigit() else 0
        record = data[place + len(digits) + 1 : place + length]
        fits = len(digits) + 3 <= length <= len(data) - place
        if not fits or not record.endswith(b"\n") or b"=" not in record:
            _damaged(what, "an extended header can't be read")
        key, _, value = record[:-1].partition(b"=")
        yield key.decode("utf-8", "replace"), value.decode("utf-8", "replace")
        place += length


def _extended(what: str, entry: TarEntry, longer: dict[str, str]) -> TarEntry:
    size = entry.size
    if "size" in longer and entry.is_file:
        if not (longer["size"].isascii() and longer["size"].isdigit() and len(longer["size"]) < 19):
            _damaged(what, "an entry's size is impossible")
        size = int(longer["size"])
    name, link = _plain(longer.get("path", entry.name)), longer.get("linkpath", entry.link)
    if max(len(name), len(link)) > _LONGEST_PATH:
        raise SubmissionError(
            f"{what}: an entry's name is too long",
            found=f"{max(len(name), len(link))} characters",
            expected=f"at most {_LONGEST_PATH}",
        )
    return replace(entry, name=name, size=size, link=link)


def _plain(name: str) -> str:
    while name.startswith("./"):
        name = name[2:]
    return name.rstrip("/") if len(name) > 1 else name


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "replace")


def _number(what: str, field: bytes) -> int:
    """Octal digits, or (first bit set) a number of base 256."""
    if field[0] & 0x80:
        value = int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
    else:
        digits = field.strip(b" \0") or b"0"
        if any(digit not in b"01234567" for digit in digits):
            _damaged(what, "a header's number is none; is this a tar archive?")
        value = int(digits, 8)
    if value >= 2**60:
        _damaged(what, "an entry's size is impossible")
    return value


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _damaged(what: str, why: str) -> NoReturn:
    raise SubmissionError(f"{what}: damaged", found=why, mend="save the image again and upload it again")
