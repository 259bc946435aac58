"""Makes the data of the virtual challenge: simulated patients, their truths and their prompts.

    python examples/challenges/virtual/make.py DIR

puts a copy of the challenge into DIR, and the data beside it. Run again, it makes what is missing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

from unicare.core.errors import UnicareError
from unicare.data.cohort import CohortRow, write_cohort
from unicare.data.phantom.centres import CohortPart, find_centre, stable_seed
from unicare.data.phantom.simulate import CasePlan, simulate_case
from unicare.prompts.simulate import simulate_folder

HERE = Path(__file__).resolve().parent
TEXTS = ("challenge.yaml", "texts", "boards")

# Task to its centres: like those whose data are public, and unlike them.
CENTRES: dict[str, dict[Literal["ID", "OOD"], tuple[str, tuple[str, ...]]]] = {
    "myops": {"ID": ("A", ("LGE",)), "OOD": ("G", ("LGE", "bSSFP"))},
    "la": {"ID": ("A", ("LGE",)), "OOD": ("C", ("LGE",))},
}
PHASES = ("validation", "test")


def make(
    out: Path,
    cases: int = 2,
    seed: int = 0,
    workers: int = 1,
    phases: Sequence[str] = PHASES,
    progress: Callable[[str], None] = lambda _place: None,
) -> None:
    """Makes the challenge.

    Args:
        out: its folder; the one that this file lies in is fine.
        cases: of every task, phase and distribution.
        seed: all data follow from it.
        workers: processes that simulate patients side by side.
        phases: whose data are made.
        progress: told every folder that is complete.
    """
    out.mkdir(parents=True, exist_ok=True)
    if out.resolve() != HERE:
        for name in TEXTS:
            if (HERE / name).is_dir():
                shutil.copytree(HERE / name, out / name, dirs_exist_ok=True)
            else:
                shutil.copyfile(HERE / name, out / name)
    for task, centres in CENTRES.items():
        for phase in phases:
            plans = [plan for name in centres for plan in _plans(task, phase, name, cases, seed)]
            _make_folder(out / "reference" / task / phase, plans, seed, workers)
            progress(f"reference/{task}/{phase}")
        _make_folder(out / "public" / task, list(_plans(task, "training", "ID", 1, seed)), seed, workers)
        progress(f"public/{task}")


def _plans(
    task: str, split: str, distribution: Literal["ID", "OOD"], cases: int, seed: int
) -> Iterator[CasePlan]:
    """What is known of the cases of one centre before anything is drawn."""
    centre_name, sequences = CENTRES[task][distribution]
    part = CohortPart("virtual", task, split, centre_name, cases, sequences, distribution)
    centre = find_centre(part)
    for index in range(cases):
        case_seed = stable_seed(seed, "virtual", task, split, centre_name, index)
        row = CohortRow(
            case=f"v{case_seed % 16**7:07x}",
            patient=f"p{stable_seed('patient', case_seed) % 16**7:07x}",
            centre=centre_name,
            vendor=centre.vendor,
            task=task,
            split=split,
            distribution=distribution,
            sequences=sequences,
            annotated=centre.annotated("virtual", sequences),
            field_strength_t=centre.field_strengths_t[0],
            sex="FM"[case_seed % 2],
        )
        yield CasePlan(row, "virtual", case_seed, part)


def _make_folder(folder: Path, plans: list[CasePlan], seed: int, workers: int) -> None:
    """Images, truths, manifest and prompts of one folder; it appears whole or not at all."""
    if folder.exists():
        return
    beside = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        if workers > 1:
            with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
                list(pool.map(simulate_case, plans, [beside] * len(plans)))
        else:
            for plan in plans:
                simulate_case(plan, beside)
        (made,) = beside.iterdir()
        (made / "images").rename(beside / "images")
        (made / "labels").rename(beside / "truth")
        made.rmdir()
        # a person draws on the slices that were scanned, not across the thick ones
        failed = simulate_folder(
            beside / "truth", beside / "prompts.json", seed=seed, slice_axis="acquisition"
        )
        for error in failed.values():
            raise error
        write_cohort(beside, sorted((plan.row for plan in plans), key=lambda row: row.case))
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _tell(place: str) -> None:
    print(f"made {place}", flush=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Make the data of the virtual challenge.")
    parser.add_argument("out", type=Path, help="folder of the challenge")
    parser.add_argument("--cases", type=int, default=2, help="of every task, phase and distribution")
    parser.add_argument("--seed", type=int, default=0, help="all data follow from it; the default is public")
    parser.add_argument("--phases", nargs="+", choices=PHASES, default=PHASES, help="all if not given")
    parser.add_argument("--workers", type=int, default=2, help="processes that work at the same time")
    chosen = parser.parse_args()
    if chosen.cases < 1:
        parser.error(f"--cases {chosen.cases}: there must be one at least")
    try:
        make(chosen.out, chosen.cases, chosen.seed, chosen.workers, chosen.phases, _tell)
    except (UnicareError, OSError) as error:
        sys.exit(f"{chosen.out}: {error}")
    print(f"ready; unicare challenge check {chosen.out} looks at it")


if __name__ == "__main__":
    main()
