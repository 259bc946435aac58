"""Archives and volumes as teams hand them in, and as people with bad intentions do, made by hand."""

import gzip
import io
import struct
import zipfile
import zlib
from dataclasses import dataclass

import nibabel as nib
import numpy as np

AFFINE = np.diag([-1.0, -1.0, 8.0, 1.0])
SHAPE = (12, 10, 4)


def labels(label=1, shape=SHAPE):
    """A label map with a block of one label."""
    values = np.zeros(shape, dtype=np.int16)
    values[2:6, 3:7, 1:3] = label
    return values


def nifti(values=None, affine=AFFINE):
    """The bytes of a .nii file."""
    return nib.Nifti1Image(labels() if values is None else values, affine).to_bytes()


def nifti_gz(values=None, affine=AFFINE):
    """The bytes of a .nii.gz file."""
    return gzip.compress(nifti(values, affine), mtime=0)


def nifti_claiming(shape, code=64, content=bytes(100)):
    """A .nii whose header claims a shape and a type (64: float64) that its content doesn't hold."""
    header = bytearray(nifti()[:352])
    struct.pack_into("<8h", header, 40, 3, *shape, 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, code, 64)
    return bytes(header) + content


def zipped(files, compression=zipfile.ZIP_DEFLATED):
    """A zip made by Python's own module, of names and contents."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return memory.getvalue()


@dataclass
class Raw:
    """One file of an archive that is made by hand; everything may be a lie."""

    name: bytes
    content: bytes = b""
    flags: int = 0x800
    method: int = 0
    mode: int = 0
    size: int | None = None
    packed: bytes | None = None
    packed_size: int | None = None
    crc: int | None = None
    offset: int | None = None
    local_name: bytes | None = None
    extra: bytes = b""

    def stored(self):
        if self.packed is not None:
            return self.packed
        if self.method != 8:
            return self.content
        deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
        return deflate.compress(self.content) + deflate.flush()

    def numbers(self):
        crc = zlib.crc32(self.content) if self.crc is None else self.crc
        packed = len(self.stored()) if self.packed_size is None else self.packed_size
        return crc, packed, len(self.content) if self.size is None else self.size

    def local(self):
        name = self.name if self.local_name is None else self.local_name
        head = struct.pack(
            "<4s5H3L2H", b"PK\3\4", 20, self.flags, self.method, 0, 33, *self.numbers(), len(name), 0
        )
        return head + name + self.stored()

    def central(self, offset):
        fixed = (b"PK\1\2", 0x314, 20, self.flags, self.method, 0, 33, *self.numbers())
        rest = (len(self.name), len(self.extra), 0, 0, 0, self.mode << 16)
        where = offset if self.offset is None else self.offset
        return struct.pack("<4s6H3L5H2L", *fixed, *rest, where) + self.name + self.extra


def by_hand(files, *, before=b"", between=b"", after=b"", count=None, comment=b"", zip64=False, shift=0):
    """A zip of raw files, with whatever else is wanted at the wrong places."""
    body, central = bytearray(), bytearray()
    for one in files:
        central += one.central(len(body) + shift)
        body += one.local()
    return (
        before
        + bytes(body)
        + between
        + bytes(central)
        + end_of(len(files) if count is None else count, len(central), len(body) + shift, comment, zip64)
        + after
    )


def end_of(count, size, start, comment=b"", zip64=False):
    """The records at an archive's end."""
    end = struct.pack(
        "<4s4H2LH", b"PK\5\6", 0, 0, min(count, 0xFFFF), min(count, 0xFFFF), size, start, len(comment)
    )
    if not zip64:
        return end + comment
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, start)
    return record + struct.pack("<4sLQL", b"PK\6\7", 0, start + size, 1) + end + comment
