"""What teams hand in: label maps near the truth, and a container that fills the boxes of its prompts."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy import ndimage
from tests.web.sandbox.archives import configuration, docker_archive, entry, shell_layer, tar
from tests.web.sandbox.small import BUSYBOX

__all__ = ["box_container", "broken", "speckled", "thinned"]

PROGRAM = r"""
set -eu
b=/bin/busybox
echo "filling boxes"
for f in /input/images/*.nii.gz; do
  id=$($b basename "$f" .nii.gz)
  $b gunzip -c "$f" | $b head -c 352 > /tmp/head
  size=$($b od -An -v -t u2 -j 42 -N 6 /tmp/head)
  {
    $b head -c 70 /tmp/head
    printf '\004\000\020\000'                  # int16, 16 bits
    $b tail -c +75 /tmp/head | $b head -c 38
    printf '\000\000\200\077\000\000\000\000'  # slope 1, intercept 0
    $b tail -c +121 /tmp/head
    # a for 0, b and c for the two bytes of 420: awk can't write zeros
    $b awk -v id="\"$id\"" -v size="$size" '
      function times(text, n,   made) { made = ""; while (n-- > 0) made = made text; return made }
      function line(slice, y,   e) {
        split(box[slice], e, " ")
        if (box[slice] == "" || y < e[2] || y >= e[4]) return none
        if (!((slice, e[1], e[3]) in kept))
          kept[slice, e[1], e[3]] = times("aa", e[1]) times("bc", e[3] - e[1]) times("aa", nx - e[3])
        return kept[slice, e[1], e[3]]
      }
      index($0, id ":") { here = 1; next }
      here && /^  }/ { here = 0 }
      here && /"420"/ {
        split($0, part, "\""); slice = part[2]
        sub(/.*"420": *\[\[/, ""); sub(/\].*/, ""); gsub(/,/, " ")
        box[slice] = $0
      }
      END {
        split(size, n, " "); nx = n[1]; none = times("aa", nx)
        if (n[2] < n[3])  # axes P, S, R
          for (r = n[3] - 1; r >= 0; r--) for (s = 0; s < n[2]; s++) printf "%s", line(s, r)
        else              # axes P, L, S
          for (s = 0; s < n[3]; s++) for (y = 0; y < n[2]; y++) printf "%s", line(s, y)
      }' /input/prompts.json | $b tr abc '\000\244\001'
  } | $b gzip -1 > "/output/${id}_pred.nii.gz"
  echo "done with one of size$size"
done
"""


def speckled(truth: Path, shift: int) -> bytes:
    """The truth moved a little, with specks far away: overlap is good, the distance isn't."""

    def change(labels: np.ndarray) -> np.ndarray:
        moved = np.roll(labels, shift, 0)
        moved[1:3, 1:3, 1:3] = labels.max()
        return moved

    return _zipped(truth, change)


def thinned(truth: Path) -> bytes:
    """The truth without its outermost voxels: overlap is worse, the distance is small."""

    def change(labels: np.ndarray) -> np.ndarray:
        kept = ndimage.binary_erosion(labels > 0, iterations=2)
        return np.where(kept, labels, 0).astype(labels.dtype)

    return _zipped(truth, change)


def broken(truth: Path) -> bytes:
    """Everything is wrong at once: a case is missing, one has another grid, one is too many."""
    first, *_ = sorted(truth.glob("*.nii.gz"))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        small = nib.Nifti1Image(np.zeros((4, 4, 4), np.int16), np.eye(4))
        case = first.name.removesuffix(".nii.gz")
        for name in (case, "v0000000"):
            archive.writestr(f"{name}_pred.nii.gz", gzip.compress(small.to_bytes(), 1))
    return packed.getvalue()


def _zipped(truth: Path, change: object) -> bytes:
    assert callable(change)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for file in sorted(truth.glob("*.nii.gz")):
            image = nib.load(file)
            labels = np.asarray(image.dataobj).astype(np.int16)
            made = nib.Nifti1Image(change(labels), image.affine)
            name = file.name.removesuffix(".nii.gz")
            archive.writestr(f"{name}_pred.nii.gz", gzip.compress(made.to_bytes(), 1))
    return packed.getvalue()


def box_container() -> bytes:
    """An image archive whose program fills the boxes; nothing but a shell is in it."""
    layers = [shell_layer(BUSYBOX), tar(entry("run.sh", PROGRAM.encode(), mode=0o755))]
    return docker_archive(layers, configuration(layers, Entrypoint=["/bin/sh", "/run.sh"]))
