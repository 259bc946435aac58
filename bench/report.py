"""How large is a report of 200 cases, seven structures and three runs, and how long does it take?

    python bench/report.py [--cases 200] [--folder DIR] [--workers 2] [--json OUT]

Everything is synthetic: ellipsoids in noise, and three runs that move them further and further; of the last,
every tenth prediction is missing. Images and labels are no larger than a cine stack, so that the figures are
about the report and not about reading files. With Debian's chromium and Playwright there, the time until the
page has loaded, and until its first chart is live, is measured as well.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter, shift

from unicare.core.volume import Volume
from unicare.data.cohort import CohortRow, write_cohort
from unicare.data.nifti import save_labels, save_volume
from unicare.evaluate.report import Run, write_report
from unicare.evaluate.run import evaluate

LABELS = (200, 420, 500, 550, 600, 820, 850)
SHAPE = (160, 160, 12)
AFFINE = np.diag([-1.4, -1.4, 9.0, 1.0])
RUNS = {"close": 1.0, "further": 3.0, "far": 7.0}
CHROMIUM = "/usr/bin/chromium"


def draw_case(root: Path, number: int) -> CohortRow:
    """Writes image, truth and predictions of one case."""
    generator = np.random.default_rng(number)
    name = f"case{number:03d}"
    grid = np.indices(SHAPE).astype(float)
    labels = np.zeros(SHAPE, dtype=np.int16)
    for label in LABELS:
        centre = generator.uniform((40, 40, 4), (120, 120, 8))
        radii = generator.uniform((8, 8, 2), (24, 24, 5))
        distance = sum(((axis - c) / r) ** 2 for axis, c, r in zip(grid, centre, radii, strict=True))
        labels[distance < 1] = label
    image = 100 + labels / 5 + 60 * gaussian_filter(generator.normal(0, 1, SHAPE), 1.0)
    volume = Volume.from_file_axes(labels, AFFINE)
    save_volume(
        root / "input/images" / f"{name}.nii.gz", Volume.from_file_axes(image.astype(np.float32), AFFINE)
    )
    save_labels(root / "truth" / f"{name}.nii.gz", volume, volume.data)
    for run, off in RUNS.items():
        if run == "far" and number % 10 == 0:
            continue
        moved = shift(volume.data, generator.normal(0, off, 3) * (1, 1, 0.1), order=0)
        save_labels(root / run / f"{name}_pred.nii.gz", volume, moved)
    centre = "ABCDEFGH"[number % 8]
    distribution = "OOD" if centre in "GH" else "ID"
    return CohortRow(name, name, centre, "", "custom", "test", distribution, ("LGE",), LABELS)


def time_browser(page: Path) -> dict[str, float]:
    """Seconds until the page has loaded, and until its first chart is live."""
    from playwright.sync_api import sync_playwright

    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        tab = browser.new_page()
        start = time.perf_counter()
        tab.goto(page.as_uri())
        loaded = time.perf_counter() - start
        tab.wait_for_selector("[data-live]", timeout=60_000)
        live = time.perf_counter() - start
        browser.close()
    return {"page loaded": round(loaded, 2), "first chart live": round(live, 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--folder", type=Path, help="keeps the files; those that are there are used again")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        root = chosen.folder or Path(temporary)
        if not (root / "cohort.csv").exists():
            write_cohort(root, [draw_case(root, number) for number in range(chosen.cases)])
        runs = [
            Run(
                name,
                root / name,
                evaluate(root / name, root / "truth", None, root / "cohort.csv", workers=chosen.workers).rows,
            )
            for name in RUNS
        ]
        start = time.perf_counter()
        page = write_report(
            root / "report.html",
            truth_dir=root / "truth",
            runs=runs,
            images=root / "input",
            cohort=root / "cohort.csv",
            note="Synthetic: ellipsoids in noise.",
            workers=chosen.workers,
        )
        figures = {"seconds to write": round(time.perf_counter() - start, 1)}
        html = page.read_text(encoding="utf-8")
        figures |= {
            "bytes": page.stat().st_size,
            "results": sum(len({(r.case, r.label) for r in run.rows}) for run in runs),
            "pictured": html.count('id="picture-') - html.count('<title id="picture-'),
        }
        if Path(CHROMIUM).exists():
            figures |= time_browser(page)
    for name, value in figures.items():
        print(f"{name:>20}: {value}")
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
