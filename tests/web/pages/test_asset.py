"""Files that pages are made with: their addresses, imports and packing; what is vendored."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.web.sites import asking, made_app

from unicare.web.pages.asset import load_assets
from unicare.web.security.headers import CONTENT_SECURITY_POLICY, SCRIPTED_PAGE_POLICY

VENDOR = resources.files("unicare.web.pages") / "vendor"
MANIFEST = json.loads((VENDOR / "manifest.json").read_text(encoding="utf-8"))
TOLD = [
    file for package in MANIFEST["packages"] for file in (*package["files"], package["licence_text"])
] + MANIFEST["licence_texts"]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    return asking(made_app(tmp_path_factory.mktemp("site")))


@pytest.mark.parametrize("told", TOLD, ids=lambda told: told["file"])
def test_vendored_files_are_those_of_the_manifest(told: dict[str, Any]) -> None:
    content = (VENDOR / told["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == told["sha256"]
    assert len(content) == told["bytes"] < 4_000_000


def test_nothing_else_is_vendored_and_every_package_has_a_licence() -> None:
    folder = Path(str(VENDOR))
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert there == {"manifest.json", *(told["file"] for told in TOLD)}
    assert all(
        re.search("copyright|permission", (VENDOR / told["file"]).read_text(), re.I)
        for told in TOLD
        if told["file"].startswith("licences/")
    )


def test_every_vendored_script_can_be_named_by_pages() -> None:
    served = {hashlib.sha256(asset.content).hexdigest() for asset in load_assets().values()}
    assert {told["sha256"] for told in TOLD if not told["file"].startswith("licences/")} <= served


@pytest.mark.parametrize("name", sorted(load_assets()))
def test_an_asset_is_served_for_good_and_packed_for_those_who_take_it(name: str, client: TestClient) -> None:
    asset = load_assets()[name]
    plain = client.get(asset.address, headers={"Accept-Encoding": "identity"})
    assert plain.status_code == 200
    assert plain.content == asset.content
    assert "Content-Encoding" not in plain.headers
    assert "immutable" in plain.headers["Cache-Control"]
    packed = client.get(asset.address, headers={"Accept-Encoding": "br, gzip;q=0.8"})
    assert packed.content == asset.content
    assert packed.headers["Vary"] == "Accept-Encoding"
    binary = name.endswith(".png")
    assert packed.headers.get("Content-Encoding") == (None if binary else "gzip")
    assert binary or int(packed.headers["Content-Length"]) < len(asset.content)
    assert hashlib.sha256(asset.content).hexdigest().startswith(asset.address.split(".")[-2])


@pytest.mark.parametrize(
    ("header", "packed"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0", False),
        ("br", False),
        ("x-gzip", False),
    ],
)
def test_what_the_browser_takes_is_read_as_it_says(header: str, packed: bool) -> None:
    asset = load_assets()["site.css"]
    content, headers = asset.answer(header)
    assert (headers.get("Content-Encoding") == "gzip") is packed
    assert (gzip.decompress(content) if packed else content) == asset.content


def test_scripts_import_each_other_by_their_served_addresses() -> None:
    assets = load_assets()
    addresses = {asset.address for asset in assets.values()}
    scripts = {name: asset.content.decode() for name, asset in assets.items() if name.endswith(".js")}
    own = {name: text for name, text in scripts.items() if ".min." not in name}
    imported = {name: set(re.findall(r'from "([^"]+)"', text)) for name, text in own.items()}
    assert imported["upload.js"] == {assets["transfer.js"].address, assets["zip.js"].address}
    assert all(found <= addresses for found in imported.values())


def test_scripts_run_only_on_pages_that_have_any(client: TestClient) -> None:
    answer = client.get("/")
    assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert "script-src" not in CONTENT_SECURITY_POLICY
    rules = dict(rule.split(" ", 1) for rule in SCRIPTED_PAGE_POLICY.split("; "))
    assert rules["default-src"] == "'none'"
    assert {rules[one] for one in ("script-src", "connect-src", "style-src", "img-src")} == {"'self'"}
