"""How long a bootstrap ranking takes: figures' and ranks' intervals, tau, pairwise tests and groups.

Figures are synthetic: a difficulty of each case and structure, a skill of each team, noise.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time

import numpy as np

from unicare.evaluate.boards import Board, load_board
from unicare.evaluate.rank import rank_teams
from unicare.evaluate.table import CaseFacts, ResultTable

CENTRES = "ABCDEFGH"


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


def seconds(board: Board, table: ResultTable, bootstrap: int, repeats: int) -> list[float]:
    """Wall-clock time of each repeat."""
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        rank_teams(board, table, bootstrap=bootstrap, seed=0)
        taken.append(time.perf_counter() - started)
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teams", type=int, default=20)
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--structures", type=int, default=7)
    parser.add_argument("--bootstrap", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    table = synthetic_table(arguments.teams, arguments.cases, arguments.structures)
    print("| board | seconds, median | lowest – highest |\n|---|---|---|")
    for name in (
        "aggregate_then_rank",
        "rank_then_aggregate",
        "test_then_rank",
        "weighted",
        "consistency",
    ):
        taken = seconds(load_board(name), table, arguments.bootstrap, arguments.repeats)
        print(f"| `{name}` | {statistics.median(taken):.2f} | {min(taken):.2f} – {max(taken):.2f} |")
    print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()
