"""How long a large CT and a three-sequence MyoPS case take, side by side with SAM ViT-B.

    python bench/speed.py [--weights FILE] [--sam-slices 6] [--json OUT]

`unicare predict` is timed as a process of its own from start to end: imports, weights, reading, network,
writing. So is SAM, on a few slices of the same case after one for warming up, its seconds a slice times the
number of slices; `--sam-slices 200` does every slice. CPU seconds add up over the cores; memory is the
process's highest.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from made_cases import HEART, MYOPS, Scan, read_made, write_made
from rich.console import Console
from rich.table import Table

from unicare.infer.segment import PromptedSegmenter
from unicare.models.weights import load_network


@dataclass(frozen=True)
class Timed:
    """One line of the table.

    Attributes:
        what: program and arithmetic.
        seconds: from start to end.
        cpu_seconds: of all cores together; None where it would have to be extrapolated.
        peak_gb: highest resident memory, 10⁹ bytes.
        note: how it was got.
    """

    what: str
    seconds: float
    cpu_seconds: float | None
    peak_gb: float | None
    note: str = ""


def timed_process(command: list[str]) -> tuple[Timed, str]:
    """Runs a command; returns its time and memory, and what it printed."""
    with tempfile.TemporaryFile("w+") as printed:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=printed)
        _, status, usage = os.wait4(process.pid, 0)  # this child's own figures, not the highest of all so far
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
        printed.seek(0)
        unit = 1 if sys.platform == "darwin" else 1024
        cpu = usage.ru_utime + usage.ru_stime
        return Timed(command[0], seconds, cpu, usage.ru_maxrss * unit / 1e9), printed.read()


def time_predict(folder: Path, scan: Scan, weights: Path | None, precision: str, repeats: int) -> Timed:
    """`unicare predict` on one case, the median of some runs."""
    command = [sys.executable, "-m", "unicare", "predict", str(folder), str(folder / f"out_{precision}")]
    command += ["--workers", "1", "--device", "cpu", "--overwrite", "--precision", precision]
    command += ["--weights", str(weights)] if weights else []
    runs = sorted((timed_process(command)[0] for _ in range(repeats)), key=lambda run: run.seconds)
    if not (folder / f"out_{precision}" / f"{scan.case}_pred.nii.gz").exists():
        raise SystemExit("no prediction was written")
    note = f"median of {repeats}, {runs[0].seconds:.1f} to {runs[-1].seconds:.1f} s"
    return replace(runs[len(runs) // 2], what=f"unicare predict, {precision}", note=note)


def time_sam(folder: Path, scan: Scan, slices: int, precision: str) -> Timed:
    """SAM ViT-B on one case, extrapolated from some slices."""
    script = Path(__file__).with_name("sam_vit_b.py")
    command = [sys.executable, str(script), str(folder), scan.case]
    used, printed = timed_process([*command, "--slices", str(slices), "--precision", precision])
    told = json.loads(printed.splitlines()[-1])
    done, count = told["slices"][1:], told["of"]
    each, spread = statistics.fmean(done), statistics.stdev(done) if len(done) > 1 else 0.0
    rest = used.seconds - sum(told["slices"])
    how = "measured" if len(done) == count else f"extrapolated from {len(done)} of {count} slices"
    note = f"{how}, {each:.2f} ± {spread:.2f} s a slice, {rest:.1f} s for the rest"
    return Timed(f"SAM ViT-B, {precision}", rest + count * each, None, used.peak_gb, note)


def time_warm(folder: Path, scan: Scan, weights: Path | None, repeats: int) -> Timed:
    """Reading, asking and writing inside a process that has done it before."""
    segmenter = PromptedSegmenter(load_network(weights))
    runs = []
    for _ in range(repeats + 1):
        started, used = time.perf_counter(), time.process_time()
        case, prompts = read_made(folder, scan.case)
        segmenter.segment(case, prompts).save(folder / "warm" / f"{scan.case}_pred.nii.gz")
        runs.append((time.perf_counter() - started, time.process_time() - used))
    runs = sorted(runs[1:])
    middle = runs[len(runs) // 2]
    note = f"median of {repeats}, {runs[0][0]:.2f} to {runs[-1][0]:.2f} s"
    return Timed("unicare in a warm process, auto", middle[0], middle[1], None, note)


def show(title: str, lines: list[Timed], against: Timed | None) -> None:
    """Prints a table; the last column compares with the first line of ours."""
    table = Table("", "seconds", "CPU seconds", "peak GB", "times ours", "how", title=title)
    for line in lines:
        table.add_row(
            line.what,
            f"{line.seconds:.1f}" if line.seconds >= 10 else f"{line.seconds:.2f}",
            "–" if line.cpu_seconds is None else f"{line.cpu_seconds:.1f}",
            "–" if line.peak_gb is None else f"{line.peak_gb:.2f}",
            "" if against is None else f"{line.seconds / against.seconds:.1f}",
            line.note,
        )
    Console(width=150).print(table)


def machine() -> str:
    """Processor, cores, torch; what a figure means nothing without."""
    names = []
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor() or platform.machine()
    quick = "AMX bfloat16" if torch.cpu._is_amx_tile_supported() else "no AMX"
    load = f"load before {os.getloadavg()[0]:.1f}"
    return f"{name}, {os.cpu_count()} cores, {quick}, torch {torch.__version__}, {load}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--slices", type=int, default=HEART.shape[2])
    parser.add_argument("--sam-slices", type=int, default=6, help="0 leaves SAM out")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    where = machine()
    heart = replace(HEART, shape=(*HEART.shape[:2], options.slices))
    with tempfile.TemporaryDirectory() as scratch:
        large, small = Path(scratch, "ct"), Path(scratch, "myops")
        write_made(heart, large)
        write_made(MYOPS, small)
        precisions = ("auto", "float32")
        ct = [time_predict(large, heart, options.weights, one, options.repeats) for one in precisions]
        if options.sam_slices:
            ct += [time_sam(large, heart, options.sam_slices, one) for one in ("float32", "bfloat16")]
        myops = [time_predict(small, MYOPS, options.weights, "auto", options.repeats)]
        myops.append(time_warm(small, MYOPS, options.weights, options.repeats))
    print(where)
    show(f"CT {'×'.join(map(str, heart.shape))}, {len(heart.tubes)} structures on every slice", ct, ct[0])
    show(f"MyoPS {'×'.join(map(str, MYOPS.shape))}, 3 sequences, {len(MYOPS.tubes)} labels", myops, None)
    if options.json:
        lines = {"machine": where, "ct": [asdict(one) for one in ct], "myops": [asdict(one) for one in myops]}
        options.json.write_text(json.dumps(lines, indent=1))


if __name__ == "__main__":
    main()
