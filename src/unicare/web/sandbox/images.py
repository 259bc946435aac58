"""Image archives (``podman save``, ``docker save``): one image found in them, and nothing of them believed.

What a team uploads is taken apart into its layers and the little of its configuration that is needed to start
it. From these an archive is made (``archive_writer``) that the engine loads: so names, tags, links, users,
volumes, labels and health checks of the upload never reach the engine.
"""

from __future__ import annotations

import platform
import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from unicare.core.errors import SubmissionError
from unicare.web.sandbox.archive_files import ARCHIVE, ArchiveFiles
from unicare.web.sandbox.layers import Layer

__all__ = ["PROCESSORS", "ImageLimits", "ImageSource", "read_source"]

PROCESSORS = {"x86_64": "amd64", "aarch64": "arm64"}
"""What images call a processor, by what the system calls it."""


@dataclass(frozen=True)
class ImageLimits:
    """What an image may be."""

    archive_bytes: int = 20 * 1024**3
    """Of the upload. unicare's own image, with PyTorch for CPUs, has 1.6 GB; CUDA and weights come on top."""

    unpacked_bytes: int = 40 * 1024**3
    """Of all layers together; a small archive can hold terabytes of zeros."""

    layers: int = 127
    """overlayfs stacks no more, and docker takes no more."""

    entries: int = 2_000_000
    """Files of all layers together; unicare's own image has 46 000."""


@dataclass(frozen=True)
class ImageSource:
    """An image as it lies in an archive.

    Attributes:
        configuration: what is needed to start it, in the form in which it is written again.
        layers: the lowest first.
    """

    configuration: Mapping[str, Any]
    layers: tuple[Layer, ...]


def read_source(
    file: BinaryIO, limits: ImageLimits, on_entry: Callable[[], object] = lambda: None
) -> ImageSource:
    """Finds the one image of an archive.

    Args:
        file: an uncompressed archive of ``docker save`` or ``podman save``, also in its OCI format.
        limits: what it may be.
        on_entry: called for each of its entries; what it raises ends it.

    Raises:
        SubmissionError: not one image, one that can't be started, or one for another processor.
    """
    files = ArchiveFiles(file, on_entry)
    if "manifest.json" in files:
        configuration, layers = _docker_parts(files)
    elif "index.json" in files:
        configuration, layers = _oci_parts(files)
    else:
        raise SubmissionError(
            f"{ARCHIVE}: no image in it",
            found="neither manifest.json nor index.json",
            mend="make it with: podman save -o image.tar NAME, or docker save -o image.tar NAME",
        )
    config = files.json(configuration)
    digests = _digests(config)
    if len(layers) != len(digests) or not layers:
        raise SubmissionError(
            f"{ARCHIVE}: layers are missing", found=f"{len(layers)}", expected=f"{len(digests)}, at least 1"
        )
    if len(layers) > limits.layers:
        raise SubmissionError(
            f"{ARCHIVE}: too many layers",
            found=len(layers),
            expected=f"at most {limits.layers}",
            mend="join RUN lines of the Dockerfile, or build with --squash",
        )
    found = tuple(Layer(files.open(name), digest) for name, digest in zip(layers, digests, strict=True))
    return ImageSource(_needed(config), found)


def _docker_parts(files: ArchiveFiles) -> tuple[str, list[str]]:
    manifest = files.json("manifest.json")
    if not isinstance(manifest, list) or len(manifest) != 1 or not isinstance(manifest[0], dict):
        raise SubmissionError(
            f"{ARCHIVE}: not one image",
            found=f"{len(manifest)} images" if isinstance(manifest, list) else "an unknown manifest.json",
            expected="one",
            mend="save one image under one name",
        )
    return _name(manifest[0].get("Config")), _names(manifest[0].get("Layers"))


def _oci_parts(files: ArchiveFiles) -> tuple[str, list[str]]:
    index = files.json("index.json")
    manifests = index.get("manifests") if isinstance(index, dict) else None
    if not isinstance(manifests, list) or len(manifests) != 1:
        raise SubmissionError(
            f"{ARCHIVE}: not one image", expected="one", mend="save one image under one name"
        )
    manifest = files.json(_blob(manifests[0]))
    if not isinstance(manifest, dict) or not isinstance(manifest.get("layers"), list):
        raise SubmissionError(
            f"{ARCHIVE}: an image for several processors", mend="build it for one, and save that one"
        )
    return _blob(manifest.get("config")), [_blob(layer) for layer in manifest["layers"]]


def _blob(descriptor: Any) -> str:
    digest = descriptor.get("digest") if isinstance(descriptor, dict) else None
    algorithm, _, value = _name(digest).partition(":")
    return f"blobs/{_name(algorithm)}/{_name(value)}"


def _name(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise SubmissionError(f"{ARCHIVE}: its manifest is damaged", mend="save the image again")
    return value


def _names(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise SubmissionError(f"{ARCHIVE}: its manifest is damaged", mend="save the image again")
    return [_name(one) for one in value]


def _digests(config: Any) -> list[str]:
    try:
        return _names(config["rootfs"]["diff_ids"])
    except (KeyError, TypeError):
        raise SubmissionError(
            f"{ARCHIVE}: its configuration is damaged", mend="save the image again"
        ) from None


def _needed(config: Mapping[str, Any]) -> dict[str, Any]:
    """What of a configuration is needed: processor, program, environment, folder."""
    here = PROCESSORS.get(platform.machine(), platform.machine())
    made_for = (config.get("os"), config.get("architecture"))
    if made_for != ("linux", here):
        raise SubmissionError(
            f"{ARCHIVE}: made for another machine",
            found=ascii("/".join(map(str, made_for)))[:100],
            expected=f"linux/{here}",
            mend=f"build it with --platform linux/{here}",
        )
    given = config.get("config")
    given = given if isinstance(given, dict) else {}
    kept: dict[str, Any] = {
        key: _strings(key, given[key]) for key in ("Entrypoint", "Cmd", "Env") if given.get(key)
    }
    if "Entrypoint" not in kept and "Cmd" not in kept:
        raise SubmissionError(
            f"{ARCHIVE}: the image doesn't say which program to start",
            expected="ENTRYPOINT or CMD in its Dockerfile",
        )
    _check_start(kept)
    folder = given.get("WorkingDir")
    if folder:
        kept["WorkingDir"] = _folder(folder)
    return {"architecture": here, "os": "linux", "config": kept}


def _check_start(kept: Mapping[str, Any]) -> None:
    """Refuses what an engine would stumble over, or runtimes of old let out."""
    program = (kept.get("Entrypoint") or kept["Cmd"])[0]
    if not program or _is_special(program):
        raise SubmissionError(f"{ARCHIVE}: an impossible program", found=ascii(program)[:200])
    for variable in kept.get("Env", ()):
        if variable.find("=") < 1:
            raise SubmissionError(
                f"{ARCHIVE}: an impossible variable", found=ascii(variable)[:200], expected="NAME=VALUE"
            )


def _folder(value: Any) -> str:
    if (
        not isinstance(value, str)
        or not value.startswith("/")
        or not value.isprintable()
        or _is_special(value)
    ):
        raise SubmissionError(
            f"{ARCHIVE}: an impossible WORKDIR",
            found=ascii(value)[:200],
            expected="an absolute path in the image",
        )
    return value


def _is_special(path: str) -> bool:
    """Whether it leads to what the kernel shows, of this host even, or up."""
    plain = posixpath.normpath(path)
    special = any(plain == place or plain.startswith(f"{place}/") for place in ("/proc", "/sys", "/dev"))
    return special or ".." in path.split("/")


def _strings(key: str, value: Any) -> list[str]:
    if not isinstance(value, list) or len(value) > 1000 or not all(isinstance(one, str) for one in value):
        raise SubmissionError(f"{ARCHIVE}: {key} of the image can't be read", expected="a list of texts")
    if any("\0" in one or len(one) > 100_000 for one in value):
        raise SubmissionError(f"{ARCHIVE}: {key} of the image can't be used", found="a text that is too long")
    return value
