"""Debian's Chromium, driven by Playwright, as all tests in browsers open it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

__all__ = ["NEEDS_CHROMIUM", "open_chromium"]

_CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
_MISSING = "Chromium isn't installed: apt-get install chromium"
NEEDS_CHROMIUM = pytest.mark.skipif(_CHROMIUM is None, reason=_MISSING)

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_DRAWING = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")


@contextmanager
def open_chromium(*, webgl: bool = False) -> Iterator[Any]:
    """A browser, of which Playwright allows one at a time; skips the test where it can't be had.

    Args:
        webgl: whether it draws volumes; without a GPU, which takes its time.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright isn't installed")
    if _CHROMIUM is None:
        pytest.skip(_MISSING)
    with playwright.sync_playwright() as started:
        more = _DRAWING if webgl else ("--disable-gpu",)
        browser = started.chromium.launch(executable_path=_CHROMIUM, args=[*_FLAGS, *more])
        yield browser
        browser.close()
