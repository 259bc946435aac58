"""Makes what the demo's teams hand in: predictions in a zip, or the image of a container."""

from __future__ import annotations

import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import nibabel as nib
import numpy as np
from demo_teams import HandIn

from unicare.core.errors import ContainerError
from unicare.demo.predictors import PREDICTORS, Folders, PredictorSettings

__all__ = ["PREDICTIONS", "make_image", "make_predictions"]

BOXES = Path(__file__).resolve().with_name("boxes.sh")
BUSYBOX = Path("/bin/busybox")
IMAGE = "localhost/unicare-demo-boxes"


def make_predictions(one: HandIn, reference: Path, scratch: Path) -> Path:
    """A zip of label maps.

    Args:
        one: what to make.
        reference: folder of the images, prompts and truths.
        scratch: where it is made; what lies there already isn't made again.
    """
    folder = scratch / f"{one.how}-{one.voxels}"
    if not folder.exists():
        folder.mkdir(parents=True)
        PREDICTIONS[one.how](reference, folder, one)
    archive = scratch / "predictions.zip"
    files = sorted(folder.glob("*.nii.gz"))
    with zipfile.ZipFile(archive, "w") as made:
        for path in files[: len(files) - one.missing]:
            made.write(path, path.name)
    return archive


def make_image(engine: str, scratch: Path) -> Path:
    """An image of busybox and ``boxes.sh``, made and saved as a team would do it, without a registry.

    Args:
        engine: ``podman`` or ``docker``.
        scratch: where it is made.

    Raises:
        ContainerError: there is no busybox that needs no libraries, or the engine refuses.
    """
    if not BUSYBOX.exists() or b"/ld-" in BUSYBOX.read_bytes()[:4096]:
        raise ContainerError(
            "no image can be made",
            found=f"no static {BUSYBOX}",
            mend="on Debian: apt-get install busybox-static",
        )
    root, archive = scratch / "root.tar", scratch / "image.tar"
    scratch.mkdir(parents=True, exist_ok=True)
    with tarfile.open(root, "w") as made:
        made.add(BUSYBOX, "bin/busybox", filter=_for_everybody)
        made.add(BOXES, BOXES.name, filter=_for_everybody)
    entry = f'ENTRYPOINT ["/bin/busybox", "sh", "/{BOXES.name}"]'
    _call(engine, "import", "--change", entry, str(root), IMAGE)
    try:
        _call(engine, "save", "-o", str(archive), IMAGE)
    finally:
        _call(engine, "rmi", IMAGE)
    return archive


def _for_everybody(info: tarfile.TarInfo) -> tarfile.TarInfo:
    """May be read and run by whatever user the site runs it as."""
    info.mode = 0o755
    return info


def _call(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ContainerError(f"{' '.join(words[:2])} failed", found=done.stderr.strip()[-300:])


def _network(reference: Path, out: Path, _one: HandIn) -> None:
    _by("unicare", reference, out)


def _ellipse(reference: Path, out: Path, _one: HandIn) -> None:
    _by("ellipse", reference, out)


def _truth(reference: Path, out: Path, one: HandIn) -> None:
    """The truth, moved along the first axis of the file."""
    for path in sorted((reference / "truth").glob("*.nii.gz")):
        image = nib.Nifti1Image.from_filename(path)
        labels = np.roll(np.asanyarray(image.dataobj), one.voxels, axis=0)
        nib.save(nib.Nifti1Image(labels, image.affine), out / path.name.replace(".nii.gz", "_pred.nii.gz"))


def _by(predictor: str, reference: Path, out: Path) -> None:
    failed = PREDICTORS[predictor](Folders(reference, out, out), PredictorSettings(), lambda *_: None)
    assert not failed, failed


PREDICTIONS: Mapping[str, Callable[[Path, Path, HandIn], None]] = {
    "network": _network,
    "ellipse": _ellipse,
    "truth": _truth,
}
"""Makes label maps of a folder of reference data."""
