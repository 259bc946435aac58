"""challenge.yaml: what is read, and every way in which it can be wrong, with the line."""

import os
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.web.challenge.folders import YAML

from unicare.core.errors import SettingsError
from unicare.web.challenge import find_reference, load_challenge, read_challenge


def test_a_challenge_is_what_its_folder_says(folder):
    challenge = load_challenge(folder)
    assert challenge.title == "Hearts"
    assert challenge.task("whs").care_task == "whs"
    assert challenge.task("whs").labels == {
        205: "left ventricular myocardium",
        500: "left ventricle blood cavity",
    }
    assert [phase.name for phase in challenge.phases] == ["validation", "test"]
    assert challenge.phase("test").release.astimezone(UTC) == datetime(2025, 8, 10, 10, 0, tzinfo=UTC)
    assert challenge.phase("test").quota == 10
    assert challenge.board("own").board.parts[0].name == "ID"
    assert challenge.tasks_on(challenge.board("first")) == challenge.tasks
    assert challenge.containers.limits.seconds_per_case == 60


def test_paths_are_absolute_and_inside(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    challenge = load_challenge(folder.name)
    root = folder.resolve()
    paths = [*challenge.texts.values(), challenge.registration.agreement, challenge.history[0].figures]
    reference = find_reference(challenge, "whs", "test")
    paths += [reference.truth, reference.images, reference.prompts, reference.cohort]
    assert all(path.is_absolute() and path.is_relative_to(root) and path.exists() for path in paths)


def test_a_challenge_cannot_be_changed(folder):
    challenge = load_challenge(folder)
    with pytest.raises(ValidationError, match="frozen"):
        challenge.phases[0].quota = 1000


BROKEN = [  # what is replaced in challenge.yaml, by what, and what is then said of that line
    ("title: Hearts", "titel: Hearts", "unknown key titel; did you mean title?"),
    ("title: Hearts", "title: Hearts\ntitle: Again", "key title is there twice"),
    ("title: Hearts", "title: Hearts\nfolder: /etc", "unknown key folder"),
    (
        "    kind: predictions",
        "    kind: uploads",
        "phases[1].kind: it should be 'predictions' or 'container'",
    ),
    (
        "    kind: predictions",
        "    kind: predictions\n    quotas: 3",
        "unknown key phases[1].quotas; did you mean quota?",
    ),
    (
        "    kind: predictions",
        "    kind: predictions\n    quota: 0",
        "phases[1].quota: it should be greater than",
    ),
    ("2025-05-20 00:00 Europe/Berlin", "2025-05-20 00:00", "phases[1].start: no time zone"),
    ("2025-05-20 00:00 Europe/Berlin", "2025-05-20 00:00:00", "phases[1].start: no time zone"),
    ("2025-05-20 00:00 Europe/Berlin", "2025-05-20 00:00 Berlin", "no time zone Berlin"),
    (
        "2025-07-30 23:59 Europe/Berlin",
        "2025-05-19 23:59 Europe/Berlin",
        "phase validation ends before it starts",
    ),
    (
        "2025-08-10 12:00 Europe/Berlin",
        "2025-07-10 12:00 Europe/Berlin",
        "results are released before it ends",
    ),
    (
        "    show_boards: at_once",
        "    show_boards: at_once\n    always_open: true",
        "phase validation is always open, and has dates",
    ),
    (
        "    kind: container",
        "    kind: container\n    show_worst_cases: true",
        "would show the hidden test cases",
    ),
    (
        "    kind: container",
        "    kind: container\n    hand_out_images: true",
        "would show the hidden test cases",
    ),
    (
        "    kind: container",
        "    kind: container\n    tasks: [heart]",
        "phase test refers to a task that isn't there; found heart; expected one of whs",
    ),
    ("    phase: test", "    phase: final", "board first refers to a phase that isn't there; found final"),
    (
        "    phase: test",
        "    phase: test\n    freeze: 2025-06-01 00:00 UTC",
        "board first is frozen before phase test starts",
    ),
    (
        "    phase: test",
        "    phase: test\n    tasks: [la]",
        "board first refers to a task that isn't there; found la",
    ),
    ("    board: aggregate_then_rank", "    board: agregate_then_rank", "did you mean aggregate_then_rank?"),
    (
        "    board: boards/own.yaml",
        "    board: boards/other.yaml",
        "boards/other.yaml: can't be read as a board",
    ),
    ("    board: boards/own.yaml", "    board: ../own.yaml", "leaves the challenge's folder"),
    ("  - name: own", "  - name: first", "boards: the name first is there twice"),
    ("  - name: own", "  - name: Own Board", "expected small letters, digits, - and _"),
    ("  rules: texts/rules.md", "  rules: texts/rule.md", "texts.rules: no file texts/rule.md"),
    ("  rules: texts/rules.md", "  rules: /etc/passwd", "leaves the challenge's folder"),
    ("  rules: texts/rules.md", "  rules: texts/../../x.md", "leaves the challenge's folder"),
    ("  rules: texts/rules.md", "  rules: texts", "texts.rules: no file texts"),
    ("  overview: texts/overview.md", "  start: texts/overview.md", "no overview"),
    (
        "500: left ventricle blood cavity}",
        "501: left ventricle blood cavity}",
        "label 501 isn't what whs means by it",
    ),
    ("205: left ventricular myocardium", "205: left atrium", "expected 205: left ventricular myocardium"),
    ("500: left ventricle blood cavity}", "0: background}", "tasks[1].labels.0: it should be greater than"),
    (
        "{205: left ventricular myocardium, 500: left ventricle blood cavity}",
        "{myocardium: 205}",
        "tasks[1].labels: not a number; found myocardium; expected number: name, such as 1: spleen",
    ),
    ("[CT, bSSFP]", "[CT, PET]", "no sequence PET"),
    ("{seconds_per_case: 60}", "{memory_gb: 4}", "containers may run for ever"),
    (
        "{seconds_per_case: 60}",
        "{seconds_per_case: 60, cpu: 2}",
        "unknown key containers.limits.cpu; did you mean cpus?",
    ),
    (
        "    board: first",
        "    board: second",
        "history/last.csv belongs to a board that isn't there; found second",
    ),
    ("    figures: history/last.csv", "    figures: texts/rules.md", "not a table of published means"),
    (
        "mean shape, board: first, figures: history/last.csv",
        "mean shape",
        "needs either figures or predictions",
    ),
    ("    title: We are on", '    title: "We are\\non"', "expected one line without control characters"),
]


@pytest.mark.parametrize(
    ("old", "new", "told"), BROKEN, ids=[f"{at} {new.strip()[:40]}" for at, (_, new, _) in enumerate(BROKEN)]
)
def test_what_is_wrong_is_told_with_its_line(folder, edit, old, new, told):
    first = edit(old, new)
    last = first + new.count("\n")
    errors = [one for one in read_challenge(folder).findings if one.severity == "error"]
    fitting = [one for one in errors if told in one.text]
    assert fitting, [f"{one.place}: {one.text}" for one in errors]
    assert len(errors) == 1
    # a key that is lacking has the line of what lacks it
    assert first - 3 <= fitting[0].line <= last
    assert str(folder) not in fitting[0].text
    with pytest.raises(SettingsError, match=r"found 1 problem:(?s:.*)challenge check"):
        load_challenge(folder)


def test_everything_is_told_in_one_go(folder, edit):
    edit("title: Hearts", "titel: Hearts\ntitle: Hearts")
    edit("    kind: container", "    kind: docker")
    edit("2025-05-20 00:00 Europe/Berlin", "2025-09-20 00:00 Europe/Berlin")
    edit("    board: boards/own.yaml", "    board: boards/none.yaml")
    edit("[CT, bSSFP]", "[CT, PET]")
    edit("  rules: texts/rules.md", "  rules: texts/rule.md")
    texts = [one.text for one in read_challenge(folder).findings]
    for told in (
        "titel",
        "phases[2].kind",
        "ends before it starts",
        "boards/none.yaml",
        "PET",
        "texts/rule.md",
    ):
        assert any(told in text for text in texts), told
    assert len(texts) == 6  # and nobody is told that phase test isn't there, which only couldn't be read


def test_a_required_key_that_is_missing(folder):
    (folder / "challenge.yaml").write_text(YAML.replace("name: hearts\n", ""))
    assert [one.text for one in read_challenge(folder).findings] == ["name is missing; add it"]


@pytest.mark.parametrize(
    ("text", "told", "line"),
    [
        (b"title: [Hearts\nname: x\n", "isn't YAML", 2),
        (b"- a\n- b\n", "isn't a challenge", None),
        (b"", "isn't a challenge", None),
        (
            b"name: x\ntitle: \xdcbung\n",
            "isn't UTF-8 text; found byte 0xdc, as in Latin-1; save it as UTF-8",
            2,
        ),
        ("name: x\n".encode("utf-16"), "isn't UTF-8 text; found UTF-16; save it as UTF-8", 1),
        ("name: x\n".encode("utf-16-be"), "isn't UTF-8 text; found UTF-16; save it as UTF-8", 1),
        (b"tasks:\n\t- name: x\n", "a tab stands there; use spaces", 2),
        (b"name: x\ntitle: Spleens: of two\n", "in quotes, such as", 2),
        (b"title: @home\n", "put the text in quotes", 1),
        (b"title: !!python/object/apply:os.system [ls]\n", "isn't YAML", 1),
        (b"a: &a [*a]\n", "unknown key a", 1),
        (b"{[1]: 2}\n", "isn't YAML", 1),
        (b"x: '" + b"y" * 1_000_001 + b"'", "larger than 1000 kB", None),
    ],
)
def test_what_is_no_challenge(folder, text, told, line):
    (folder / "challenge.yaml").write_bytes(text)
    findings = read_challenge(folder).findings
    (one,) = [one for one in findings if told in one.text]
    assert one.line == line


def test_many_references_to_one_thing_are_no_bomb(folder):
    """Ten lists of ten references each, ten deep: never unrolled."""
    lists = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    (folder / "challenge.yaml").write_text("\n".join(lists))
    assert any("unknown key a9" in one.text for one in read_challenge(folder).findings)


def test_a_folder_that_is_none(tmp_path):
    with pytest.raises(SettingsError, match=r"no such folder.*docs/challenge\.md"):
        read_challenge(tmp_path / "nowhere")
    with pytest.raises(SettingsError, match=r"no challenge\.yaml in it"):
        read_challenge(tmp_path)
    (tmp_path / "challenge.yaml").write_text("name: x\n")
    with pytest.raises(SettingsError, match=f"found a file; give the folder: {tmp_path}$"):
        read_challenge(tmp_path / "challenge.yaml")


@pytest.mark.skipif(os.name != "posix", reason="links need rights elsewhere")
def test_links_may_not_lead_out(folder, tmp_path):
    (tmp_path / "secret.md").write_text("secret")
    (folder / "texts" / "rules.md").unlink()
    (folder / "texts" / "rules.md").symlink_to(tmp_path / "secret.md")
    (one,) = read_challenge(folder).findings
    assert "leaves the challenge's folder through a link" in one.text


@pytest.mark.skipif(os.name != "posix", reason="links need rights elsewhere")
def test_links_inside_and_to_the_folder_are_fine(folder, tmp_path):
    (folder / "texts" / "rules.md").unlink()
    (folder / "texts" / "rules.md").symlink_to("overview.md")
    (tmp_path / "link").symlink_to(folder)
    challenge = load_challenge(tmp_path / "link")
    assert challenge.texts["rules"] == folder.resolve() / "texts" / "overview.md"


def test_phases_out_of_order_are_worth_a_look(folder, edit):
    edit("2025-06-20 00:00 Europe/Berlin", "2025-05-10 00:00 Europe/Berlin")
    (one,) = read_challenge(folder).findings
    assert one.severity == "warning"
    assert "phase test starts before phase validation" in one.text
    assert load_challenge(folder).phase("test").name == "test"


def test_two_tasks_that_a_board_cannot_tell_apart(folder, edit):
    edit(
        "phases:",
        "  - {name: whs-mr, kind: whs, title: MR, labels: {500: LV}, sequences: [bSSFP]}\nphases:",
    )
    texts = [one.text for one in read_challenge(folder).findings]
    assert [
        text
        for text in texts
        if "two tasks of kind whs, which it can't tell apart; found whs, whs-mr" in text
    ]


def test_a_board_whose_tables_nothing_fills(folder, edit):
    edit("board: aggregate_then_rank", "board: care_cardiac")
    texts = [one.text for one in read_challenge(folder).findings if one.file == "challenge.yaml"]
    assert any("nothing fills its table Single cardiac structure (ID)" in text for text in texts)
    edit(
        "task: whs, distribution: ID, structures: [left ventricle blood cavity]",
        "task: whs, structures: [liver]",
        "boards/own.yaml",
    )
    texts = [one.text for one in read_challenge(folder).findings]
    assert any("board own: table ID ranks structures that no task has; found liver" in text for text in texts)
    edit("    sequences: [CT, bSSFP]", "    sequences: [CT, bSSFP]\n    distributions: [ID]")
    texts = [one.text for one in read_challenge(folder).findings]
    assert any("board own: no task has OOD cases for OOD" in text for text in texts)


ODD = [
    "",
    " {}",
    " []",
    " [x]",
    " {a: b}",
    " null",
    " -1",
    " 1e400",
    " .nan",
    " 2025-01-01",
    " x",
    " [[[]]]",
    " {1: 2}",
    " *a",
]


@given(data=st.data())
@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_line_says_is_told_in_words(folder, data):
    """Any line's value replaced by something odd, any line left out: never anything but findings."""
    lines = YAML.splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        key, colon, _value = lines[at].partition(":")
        odd = data.draw(st.sampled_from([None, *ODD]))
        lines[at] = "" if odd is None else f"{key}{colon}{odd}"
    (folder / "challenge.yaml").write_text("\n".join(lines))
    reading = read_challenge(folder)
    assert reading.challenge is not None or reading.findings
    assert all(one.text for one in reading.findings)
    assert not any(str(folder) in one.text for one in reading.findings)
