"""The challenges that come with unicare are in order, and the virtual one can be made."""

import importlib.util
import re
import shutil
from datetime import UTC, date, datetime
from pathlib import Path

from tests.web.challenge.folders import BOARD, YAML, heart, save, write_challenge

from unicare.data.cohort import read_cohort
from unicare.evaluate.ranking.published import rank_published, read_published
from unicare.evaluate.run import evaluate
from unicare.web.challenge import (
    PhaseState,
    check_challenge,
    find_public,
    find_reference,
    load_challenge,
    read_challenge,
)

EXAMPLES = Path(__file__).parents[3] / "examples" / "challenges"


def test_care_2025_lacks_nothing_but_its_data():
    result = check_challenge(EXAMPLES / "care2025")
    assert result.ok
    assert [one.file for one in result.findings] == ["reference", "reference", "public"]


def test_care_2025_has_the_published_dates():
    validation, test = load_challenge(EXAMPLES / "care2025").phases
    assert validation.quota == 10
    assert validation.state(datetime(2025, 5, 20, 8, 0, tzinfo=UTC)) is PhaseState.OPEN
    assert test.closes == datetime(2025, 7, 31, 8, 0, tzinfo=UTC)
    assert not test.shows_boards(datetime(2025, 8, 10, 7, 59, tzinfo=UTC))
    assert test.shows_boards(datetime(2025, 8, 10, 8, 0, tzinfo=UTC))


def test_care_2025_ranks_what_was_published():
    challenge = load_challenge(EXAMPLES / "care2025")
    (old,) = challenge.history
    ranked = rank_published(challenge.board(old.board).board, read_published(old.figures))
    assert len(ranked.tables) == 6
    firsts = [table.rows[0].team for table in ranked.tables]
    assert firsts == ["Space", "Space", "Med-AIR", "Med-AIR", "Med-AIR", "Med-AIR"]


def test_a_task_of_ones_own_is_written_as_the_documentation_says(tmp_path):
    text = (EXAMPLES.parents[1] / "docs/challenge.md").read_text(encoding="utf-8")
    (cohort,) = re.findall(r"```csv\n(.*?)```", text, re.DOTALL)
    entries, board = re.findall(r"```yaml\n(.*?)```", text.partition("## A task of your own")[2], re.DOTALL)
    folder = write_challenge(tmp_path / "challenge")
    head = YAML.partition("tasks:\n")[0]
    phase = "phases:\n  - {name: validation, kind: predictions, always_open: true, show_boards: at_once}\n"
    (folder / "challenge.yaml").write_text(head + entries + phase)
    (folder / "boards/spleen.yaml").write_text(board)
    shutil.rmtree(folder / "public")
    shutil.rmtree(folder / "reference")
    data = folder / "reference/spleen/validation"
    for case in ("one", "two"):
        save(data / "images" / f"{case}.nii.gz", heart())
        save(data / "truth" / f"{case}.nii.gz", (heart() > 0).astype("int16"))
    (data / "cohort.csv").write_text(cohort)
    assert [f"{one.place}: {one.text}" for one in check_challenge(folder).findings] == []


def test_the_virtual_challenge_is_made_and_evaluated(tmp_path):
    specification = importlib.util.spec_from_file_location("make", EXAMPLES / "virtual" / "make.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    made = []
    module.make(tmp_path / "virtual", cases=1, phases=["test"], progress=made.append)
    assert made == ["reference/myops/test", "public/myops", "reference/la/test", "public/la"]
    (one,) = check_challenge(tmp_path / "virtual").findings
    assert "no reference data yet for phase validation of myops, la; the phase is open" in one.text
    challenge = load_challenge(tmp_path / "virtual")
    now = datetime.now(UTC)
    for phase in challenge.phases:
        assert phase.state(now) is PhaseState.OPEN
    for task in challenge.tasks:
        reference = find_reference(challenge, task.name, "test")
        assert {row.distribution for row in read_cohort(reference.cohort)} == {"ID", "OOD"}
    assert find_public(challenge, "la") is not None
    # The truth as a prediction: what a perfect team would hand in.
    reference = find_reference(challenge, "la", "test")
    scored = evaluate(reference.truth, reference.truth, tmp_path / "scored", reference.cohort, task="la")
    assert {row.value for row in scored.rows if row.metric == "dice"} == {1.0}
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "virtual/reference").rglob("*.nii.gz")}
    module.make(tmp_path / "virtual", cases=1, phases=["test"])
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_the_yaml_of_the_documentation_is_a_challenge(folder):
    text = (EXAMPLES.parents[1] / "docs" / "challenge.md").read_text(encoding="utf-8")
    whole = text.partition("## A task of your own")[0]
    blocks = re.findall(r"```yaml\n(.*?)```", whole, flags=re.DOTALL)
    assert len(blocks) == 6
    (folder / "challenge.yaml").write_text("\n".join(blocks), encoding="utf-8")
    (folder / "boards/own.yaml").write_text(BOARD.replace("whs", "myops"), encoding="utf-8")
    (folder / "baselines/mean").mkdir(parents=True)
    for name in ("best", "2026"):
        (folder / f"history/{name}.csv").write_text("board,team,dice\nID,red,0.9\n", encoding="utf-8")
    assert [one.text for one in read_challenge(folder).findings] == []
    assert load_challenge(folder).history[0].published == date(2026, 8, 1)
