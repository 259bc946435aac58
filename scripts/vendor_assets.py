"""Copies what pages need of published JavaScript packages into the repository: installs need no network then.

Run `make vendor` after a change of the table below, and commit what it writes. A package comes from the npm
registry in exactly the version named here, and is held against the registry's own checksum (`npm view
NAME@VERSION dist.integrity`). Its files are copied as they are.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import sys
import tarfile
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

REGISTRY = "https://registry.npmjs.org"
TARGET = Path(__file__).resolve().parents[1] / "src" / "unicare" / "web" / "pages" / "vendor"
LARGEST_BYTES = 4_000_000


@dataclass(frozen=True)
class Package:
    """A package, and what of it is copied.

    Attributes:
        name: in the registry.
        version: exactly.
        integrity: sha512 of its archive, as the registry says it.
        licence: SPDX.
        files: file of the package to its name here.
        licence_file: of the package, copied to ``licences``; None where it has none: then the text, from its
            repository, lies there already.
    """

    name: str
    version: str
    integrity: str
    licence: str
    files: Mapping[str, str] = field(default_factory=dict)
    licence_file: str | None = "LICENSE"

    @property
    def short(self) -> str:
        """Its name without the owner's."""
        return self.name.rpartition("/")[2]

    @property
    def licence_name(self) -> str:
        """Of the copy of its licence."""
        return f"licences/{self.name.removeprefix('@').replace('/', '-')}.txt"


PACKAGES = (
    Package(
        "htmx.org",
        "2.0.11",
        "sha512-Thx/WtpeOQqSrqBCw/A1cwGJGg4UrVa3+sW0GmrM3p4gJgO89ecH4qtbnyzDDWFvBTqjnIMCgELTNt636dtamA==",
        "0BSD",
        {"dist/htmx.min.js": "htmx.min.js"},
    ),
    # One file with all that it imports, whose licences follow. Its index.min.js is larger, and no module but
    # a module's text in an address.
    Package(
        "@niivue/niivue",
        "0.69.0",
        "sha512-YMjQvJgD1W2b7DuoxkwlC4VxbrgIePRJ5qyQzXKxi2v2MBVg285P/CIQyg46oDDGDIcaNlbd+MhtO/edMbXJkA==",
        "BSD-2-Clause",
        {"dist/niivue.umd.js": "niivue.min.js", "src/fonts/Roboto-Regular.png": "niivue-font.png"},
        licence_file=None,
    ),
    Package(
        "@lukeed/csprng",
        "1.1.0",
        "sha512-Z7C/xXCiGWsg0KuKsHTKJxbWhpI3Vs5GwLfOean7MGyVFGqdRgBbAjOCh6u4bbjPc/8MJ2pZmK/0DLdCbivLDA==",
        "MIT",
        licence_file="license",
    ),
    Package(
        "@lukeed/uuid",
        "2.0.1",
        "sha512-qC72D4+CDdjGqJvkFMMEAtancHUQ7/d/tAiHf64z8MopFDmcrtbcJuerDtFceuAfQJ2pDSfCKCtbqoGBNnwg0w==",
        "MIT",
        licence_file="license",
    ),
    Package(
        "@ungap/structured-clone",
        "1.4.0",
        "sha512-1mEZtMKPM09vDmQt5y7YvmN2+DFTP7Tg0EWXdic8/C6VRnpb33e4ghisCIE3WZjsE2N8mf+QV1Zqh7ZFYLWInQ==",
        "ISC",
    ),
    Package(
        "@zarrita/storage",
        "0.1.4",
        "sha512-qURfJAQcQGRfDQ4J9HaCjGaj3jlJKc66bnRk6G/IeLUsM7WKyG7Bzsuf1EZurSXyc0I4LVcu6HaeQQ4d3kZ16g==",
        "MIT",
    ),
    Package(
        "array-equal",
        "1.0.2",
        "sha512-gUHx76KtnhEgB3HOuFYiCm3FIdEs6ocM2asHvNTkfu/Y09qQVrrVVaOKENmS2KkSaGoxgXNqC+ZVtR/n0MOkSA==",
        "MIT",
    ),
    Package(
        "fflate",
        "0.8.2",
        "sha512-cPJU47OaAoCbg0pBvzsgpTPhmhqI5eJjh/JIu8tPj5q+T7iLvW/JAYUqmE7KOB4R1ZyEhzBaIQpQpardBF5z8A==",
        "MIT",
    ),
    Package(
        "gl-matrix",
        "3.4.4",
        "sha512-latSnyDNt/8zYUB6VIJ6PCh2jBjJX6gnDsoCZ7LyW7GkqrD51EWwa9qCoGixj8YqBtETQK/xY7OmpTF8xz1DdQ==",
        "MIT",
        licence_file="LICENSE.md",
    ),
    Package(
        "nifti-reader-js",
        "0.8.0",
        "sha512-iO1iIhQDfKniy+l/86HfOPte7So+SxBmBiMSiUB2VXU7z4hSewMTlE3h0fCgfzfXvMUa+ilzLTJ2ZHmtFw6EWw==",
        "MIT",
    ),
    Package(
        "numcodecs",
        "0.3.2",
        "sha512-6YSPnmZgg0P87jnNhi3s+FVLOcIn3y+1CTIgUulA3IdASzK9fJM87sUFkpyA+be9GibGRaST2wCgkD+6U+fWKw==",
        "MIT",
    ),
    Package(
        "zarrita",
        "0.5.4",
        "sha512-i88iN2+HqIQ+uiCEWLfhjbYNXAJD7IrM4h3lFwFclfqEOOhxp10amRWtqmgN5jbuy3+h0LwdyLVVzk4y9rTLgg==",
        "MIT",
    ),
)
NOT_IN_REGISTRY = ("licences/blosc.txt", "licences/lz4.txt", "licences/zstd.txt")
"""Of what numcodecs has compiled in."""


def read_package(package: Package, wanted: Sequence[str]) -> dict[str, bytes]:
    """Files of a package's archive, by name.

    Raises:
        SystemExit: the archive isn't the one of the table, or lacks a file.
    """
    address = f"{REGISTRY}/{package.name}/-/{package.short}-{package.version}.tgz"
    with urllib.request.urlopen(address, timeout=60) as answer:
        archive = answer.read()
    found = "sha512-" + base64.b64encode(hashlib.sha512(archive).digest()).decode()
    if found != package.integrity:
        sys.exit(
            f"{address}: found {found}, expected {package.integrity}; change the table only if you trust it"
        )
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as opened:
        members = {one.name.partition("/")[2]: one for one in opened.getmembers() if one.isfile()}
        missing = [name for name in wanted if name not in members]
        if missing:
            sys.exit(f"{address}: no {', '.join(missing)} in it")
        return {name: opened.extractfile(members[name]).read() for name in wanted}


def write(name: str, content: bytes) -> None:
    """Writes a file of the folder, beside and then in its place."""
    path = TARGET / name
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    os.replace(part, path)


def told(name: str) -> dict[str, object]:
    """What the manifest says of a file."""
    content = (TARGET / name).read_bytes()
    if len(content) > LARGEST_BYTES:
        sys.exit(f"{name} has {len(content)} bytes, more than {LARGEST_BYTES}; look for a leaner build")
    return {"file": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def main() -> None:
    """Writes all files and the manifest."""
    packages = []
    for package in PACKAGES:
        copies = dict(package.files)
        if package.licence_file is not None:
            copies[package.licence_file] = package.licence_name
        for name, content in read_package(package, list(copies)).items():
            write(copies[name], content)
        packages.append(
            {
                "name": package.name,
                "version": package.version,
                "integrity": package.integrity,
                "licence": package.licence,
                "files": [told(name) for name in package.files.values()],
                "licence_text": told(package.licence_name),
            }
        )
        print(f"{package.name} {package.version}: {', '.join(copies.values()) or 'nothing to copy'}")
    manifest = {"packages": packages, "licence_texts": [told(name) for name in NOT_IN_REGISTRY]}
    write("manifest.json", (json.dumps(manifest, indent=2) + "\n").encode())


if __name__ == "__main__":
    main()
