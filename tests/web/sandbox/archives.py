"""Image archives made by hand, as podman and docker save them and as nobody should."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PROCESSOR = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def entry(name: str, data: bytes = b"", mode: int = 0o644, **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    """One entry of a tar file: a plain file, unless ``type`` says otherwise."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), mode
    for field, value in fields.items():
        setattr(info, field, value)
    return info, data


def folder(name: str, mode: int = 0o755) -> tuple[tarfile.TarInfo, bytes]:
    return entry(name, mode=mode, type=tarfile.DIRTYPE)


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    return entry(name, type=kind, linkname=target)


def tar(*entries: tuple[tarfile.TarInfo, bytes], format: int = tarfile.GNU_FORMAT) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=format) as file:
        for info, data in entries:
            file.addfile(info, io.BytesIO(data) if data else None)
    return made.getvalue()


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def configuration(layers: Sequence[bytes], **config: Any) -> dict[str, Any]:
    return {
        "architecture": PROCESSOR,
        "os": "linux",
        "config": config or {"Entrypoint": ["/bin/sh", "/input/do.sh"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest(layer)}" for layer in layers]},
    }


def docker_archive(
    layers: Sequence[bytes],
    config: Mapping[str, Any] | None = None,
    *,
    tags: Sequence[str] = ("localhost/theirs:latest",),
    more: Sequence[tuple[tarfile.TarInfo, bytes]] = (),
) -> bytes:
    """An archive with manifest.json."""
    text = json.dumps(config or configuration(layers)).encode()
    names = [f"{digest(layer)}.tar" for layer in layers]
    manifest = [{"Config": "config.json", "RepoTags": list(tags), "Layers": names}]
    return tar(
        *(entry(name, layer) for name, layer in zip(names, layers, strict=True)),
        entry("config.json", text),
        *more,
        entry("manifest.json", json.dumps(manifest).encode()),
    )


def oci_archive(layers: Sequence[bytes], packed: Sequence[bytes]) -> bytes:
    """An archive with index.json; ``packed`` are the layers as they lie in it."""
    config = json.dumps(configuration(layers)).encode()
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "config": {"digest": f"sha256:{digest(config)}", "size": len(config)},
            "layers": [{"digest": f"sha256:{digest(one)}", "size": len(one)} for one in packed],
        }
    ).encode()
    index = json.dumps({"manifests": [{"digest": f"sha256:{digest(manifest)}"}]}).encode()
    blobs = [entry(f"blobs/sha256/{digest(one)}", one) for one in (config, manifest, *packed)]
    return tar(entry("oci-layout", b'{"imageLayoutVersion": "1.0.0"}'), *blobs, entry("index.json", index))


def shell_layer(busybox: Path) -> bytes:
    """A root with a shell in it and little else."""
    applets = (
        "sh",
        "cat",
        "ls",
        "id",
        "dd",
        "sleep",
        "mkfifo",
        "mknod",
        "ln",
        "mkdir",
        "touch",
        "env",
        "find",
    )
    return tar(
        *(folder(name) for name in ("bin", "etc", "root", "home", "var")),
        entry("bin/busybox", busybox.read_bytes(), mode=0o755),
        *(
            link(f"bin/{name}", "busybox")
            for name in (*applets, "nc", "yes", "grep", "mount", "wc", "cp", "sed")
        ),
    )
