"""Image archives as ``docker load`` and ``podman load`` take them, layer after layer as they come."""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from unicare.core.errors import ContainerError
from unicare.web.sandbox.places import RESERVE_BYTES

__all__ = ["IMAGE_PREFIX", "ArchiveWriter"]

IMAGE_PREFIX = "localhost/unicare-sandbox/"
"""How every image's name begins that the sandbox loads."""

_BLOCK = 512
_LOOK_BYTES = 64 * 1024**2


class ArchiveWriter:
    """Writes an archive of one image. A layer's size needn't be known before it is written.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO = path.open("w+b")
        self._layers: list[str] = []
        self._digests: list[str] = []
        self._hash = hashlib.sha256()
        self._start = 0
        self._looked = 0

    def __enter__(self) -> ArchiveWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def begin_layer(self) -> None:
        """What is written from now on is a layer, above those before."""
        self._start = self._file.tell()
        self._hash = hashlib.sha256()
        self._file.write(bytes(_BLOCK))  # where its header will stand

    def write(self, chunk: bytes) -> None:
        """Some more of the layer.

        Raises:
            ContainerError: the disk is about to be full.
        """
        self._looked += len(chunk)
        if self._looked >= _LOOK_BYTES:
            self._looked = 0
            if shutil.disk_usage(self._path.parent).free < RESERVE_BYTES:
                raise ContainerError(
                    "no room for an image", mend="free some room where the scratch folder lies"
                )
        self._hash.update(chunk)
        self._file.write(chunk)

    def end_layer(self) -> None:
        """The layer is complete."""
        self._layers.append(f"{len(self._layers)}.tar")
        self._digests.append(f"sha256:{self._hash.hexdigest()}")
        self._head(self._layers[-1])

    def finish(self, image: str, configuration: Mapping[str, Any]) -> None:
        """Writes what remains to be written.

        Args:
            image: the one name in the archive.
            configuration: of the image, without its layers.
        """
        rootfs = {"type": "layers", "diff_ids": self._digests}
        # an image of its own each time it is loaded, so that removing one never takes another's layers
        config = {**configuration.get("config", {}), "Labels": {"unicare.image": image}}
        text = json.dumps({**configuration, "config": config, "rootfs": rootfs}).encode()
        name = f"{hashlib.sha256(text).hexdigest()}.json"
        manifest = [{"Config": name, "RepoTags": [image], "Layers": self._layers}]
        for file, content in ((name, text), ("manifest.json", json.dumps(manifest).encode())):
            self._start = self._file.tell()
            self._file.write(bytes(_BLOCK) + content)
            self._head(file)
        self._file.write(bytes(2 * _BLOCK))
        self._file.flush()

    def _head(self, name: str) -> None:
        """Fills in the header of what was written last."""
        end = self._file.tell()
        entry = tarfile.TarInfo(name)
        entry.size = end - self._start - _BLOCK
        self._file.seek(self._start)
        self._file.write(entry.tobuf(tarfile.GNU_FORMAT))
        self._file.seek(end)
        self._file.write(bytes(-entry.size % _BLOCK))
