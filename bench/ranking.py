"""How long a bootstrap ranking takes, and with --simulate how far it can be believed.

Figures are synthetic: a difficulty of each case and structure, a skill of each team, noise.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import time
from pathlib import Path

import numpy as np

from unicare.evaluate.ranking.boards import Board, load_board
from unicare.evaluate.ranking.rank import rank_teams
from unicare.evaluate.ranking.table import CaseFacts, ResultTable

CENTRES = "ABCDEFGH"
BOARDS = ("aggregate_then_rank", "rank_then_aggregate", "test_then_rank", "weighted", "consistency")
PATIENTS = (6, 10, 25, 50, 100)


def synthetic_table(teams: int, cases: int, structures: int, seed: int = 0) -> ResultTable:
    """Dice, Hausdorff distance and run time of teams that are a little better one than the next."""
    generator = np.random.default_rng(seed)
    hardness = generator.normal(0, 0.05, (1, cases, structures))
    skill = np.linspace(0, 0.05, teams)[:, None, None]
    noise = generator.normal(0, 0.04, (teams, cases, structures))
    dice = np.clip(0.85 + skill + hardness + noise, 0, 1)
    hausdorff_mm = np.exp(generator.normal(2.5, 0.4, dice.shape) - 4 * (dice - 0.85))
    run_time_s = generator.uniform(1, 20, dice.shape)
    facts = tuple(
        CaseFacts(
            case=f"case{number:04d}",
            patient=f"patient{number:04d}",
            centre=CENTRES[number % len(CENTRES)],
            distribution="OOD" if number % len(CENTRES) > 5 else "ID",
            subgroups={"sex": "FM"[number % 2], "age_band": f"{30 + 10 * (number % 5)}s"},
        )
        for number in range(cases)
    )
    return ResultTable(
        teams=tuple(f"team {number}" for number in range(teams)),
        cases=facts,
        structures=tuple(f"structure {number}" for number in range(structures)),
        metrics=("dice", "hausdorff_mm", "run_time_s"),
        values=np.stack([dice, hausdorff_mm, run_time_s], axis=-1),
    )


def seconds(board: Board, table: ResultTable, bootstrap: int, repeats: int) -> list[tuple[float, float]]:
    """Wall-clock and CPU time of each repeat."""
    taken = []
    for _ in range(repeats):
        started = time.perf_counter(), time.process_time()
        rank_teams(board, table, bootstrap=bootstrap, seed=0)
        taken.append((time.perf_counter() - started[0], time.process_time() - started[1]))
    return taken


def simulated(patients: int, challenges: int, bootstrap: int) -> tuple[float, float, float, float]:
    """How often a ranking is right, over simulated challenges of five teams on so many patients.

    Dice of a patient: Beta(8, 2) for its difficulty (mean 0.8), the team's skill, and noise of sd 0.04.

    Returns:
        Shares: challenges of equal teams in which any two are told apart (should be at most 0.05); intervals
        of a mean Dice that hold the true mean (should be 0.95); with teams 0.01 of Dice apart, intervals of a
        rank that hold the true rank, and neighbours that are told apart.
    """
    board = load_board("test_then_rank").model_copy(update={"scheme": "aggregate_then_rank"})
    generator = np.random.default_rng(patients)
    facts = tuple(CaseFacts(f"c{n}", f"p{n}", "A") for n in range(patients))
    wrong, held, ranks_held, apart = [], [], [], []
    for challenge in range(challenges):
        hardness = generator.beta(8, 2, (1, patients))
        noise = generator.normal(0, 0.04, (5, patients))
        for step in (0.0, 0.01):
            dice = (hardness + noise - step * np.arange(5)[:, None])[..., None, None]
            table = ResultTable(tuple("abcde"), facts, ("s",), ("dice",), dice)
            found = rank_teams(board, table, bootstrap=bootstrap, seed=challenge).final
            rows = {row.team: row for row in found.rows}
            if step:
                ranks_held += [rows[t].rank.low <= n <= rows[t].rank.high for n, t in enumerate("abcde", 1)]
                pairs = zip("abcd", "bcde", strict=True)
                apart += [not set(rows[one].groups) & set(rows[other].groups) for one, other in pairs]
            else:
                wrong.append(len({row.groups for row in found.rows}) > 1)
                held.append(rows["a"].score.low <= 0.8 <= rows["a"].score.high)
    return tuple(float(np.mean(share)) for share in (wrong, held, ranks_held, apart))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teams", type=int, default=20)
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--structures", type=int, default=7)
    parser.add_argument("--bootstrap", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--simulate", type=int, default=0, help="how many challenges; none if not given")
    parser.add_argument("--json", type=Path, help="file for the figures")
    arguments = parser.parse_args()
    figures: dict[str, object] = {"load before": os.getloadavg()[0]}
    print(f"load before: {os.getloadavg()[0]:.1f}\n")
    table = synthetic_table(arguments.teams, arguments.cases, arguments.structures)
    print("| board | seconds, median | lowest – highest | CPU seconds |\n|---|---|---|---|")
    for name in BOARDS:
        taken = seconds(load_board(name), table, arguments.bootstrap, arguments.repeats)
        figures[name] = taken
        wall, cpu = zip(*taken, strict=True)
        spread = f"{min(wall):.2f} – {max(wall):.2f}"
        print(f"| `{name}` | {statistics.median(wall):.2f} | {spread} | {statistics.median(cpu):.2f} |")
    print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")
    if arguments.simulate:
        print("\n| patients | equals told apart | mean held | rank held | 0.01 apart and told so |")
        print("|---|---|---|---|---|")
        for patients in PATIENTS:
            shares = simulated(patients, arguments.simulate, arguments.bootstrap)
            figures[f"{patients} patients"] = shares
            print(f"| {patients} | " + " | ".join(f"{share:.3f}" for share in shares) + " |")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
