import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import nibabel as nib
import numpy as np
import pytest

from unicare.core.errors import SettingsError
from unicare.data.cohort import CohortRow, write_cohort
from unicare.evaluate.report import Run, write_report
from unicare.evaluate.rows import ERROR, Row
from unicare.evaluate.run import evaluate
from unicare.prompts.simulate import simulate_folder

AFFINE = np.diag([-1.5, -1.5, 9.0, 1.0])
NASTY = 'a <script>alert("1")</script> & co'.replace("/", "")


class Page(HTMLParser):
    """Tags with their attributes, and which are left open."""

    VOID = frozenset({"meta", "br", "link", "input"})

    def __init__(self, html):
        super().__init__()
        self.tags, self.open, self.wrong = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def count(self, wanted):
        return sum(tag == wanted for tag, _ in self.tags)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    root = tmp_path_factory.mktemp("study")
    rng = np.random.default_rng(3)
    for folder in ("in/images", "truth", "predictions"):
        (root / folder).mkdir(parents=True)
    for index, case in enumerate((NASTY, "b", "c", "lost")):
        labels = np.zeros((60, 50, 6), dtype=np.int16)
        labels[20:40, 15:35, 1:5] = 200
        labels[25:35, 20:30, 1:5] = 500
        image = rng.normal(0, 5, labels.shape) + labels / 5
        nib.save(nib.Nifti1Image(image.astype(np.float32), AFFINE), root / f"in/images/{case}.nii.gz")
        nib.save(nib.Nifti1Image(labels, AFFINE), root / f"truth/{case}.nii.gz")
        if case != "lost":
            moved = np.roll(labels, index, axis=0)
            moved[..., 4] = 0
            nib.save(nib.Nifti1Image(moved, AFFINE), root / f"predictions/{case}_pred.nii.gz")
    (root / "predictions/run.json").write_text(f'{{"version": "9.9.9", "weights_sha256": "{"ab" * 32}"}}')
    centres = {NASTY: ("<b>North", "ID"), "b": ("$x_1$", "OOD"), "c": ("", "ID"), "lost": ("", "ID")}
    write_cohort(
        root,
        [
            CohortRow(case, case, centre, "", "myops", "test", distribution, ("LGE",), (200, 500))
            for case, (centre, distribution) in centres.items()
        ],
    )
    simulate_folder(root / "truth", root / "in/prompts.json")
    return root


def runs_of(study):
    """Two runs: the moved one, and the truths themselves."""
    runs = []
    for name, folder in (("moved <i>", "predictions"), ("perfect", "truth")):
        rows = evaluate(study / folder, study / "truth", cohort_csv=study / "cohort.csv").rows
        runs.append(Run(name, study / folder, rows))
    return runs


@pytest.fixture(scope="module")
def arguments(study):
    return {
        "truth_dir": study / "truth",
        "runs": runs_of(study),
        "images": study / "in",
        "prompts_json": study / "in/prompts.json",
        "cohort": study / "cohort.csv",
        "note": "made up <b>",
    }


@pytest.fixture(scope="module")
def html(study, arguments):
    path = write_report(study / "new folder/report.html", **arguments)
    assert [found.name for found in path.parent.iterdir()] == ["report.html"]
    return path.read_text(encoding="utf-8")


def pictures_of(html):
    texts = re.findall(r'<script type="application/json" id="picture-\d+">(.*?)</script>', html, re.DOTALL)
    return [json.loads(text) for text in texts]


def test_needs_nothing_from_outside(html):
    for tag, attributes in Page(html).tags:
        for name in ("src", "href", "xlink:href", "action"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:", "#")), tag
    style = html[html.index("<style>") : html.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style


def test_only_its_own_scripts_may_run(html):
    policy = next(
        a["content"] for t, a in Page(html).tags if a.get("http-equiv") == "Content-Security-Policy"
    )
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    allowed = re.findall(r"'sha256-([^']+)'", policy)
    scripts = re.findall(r'<script type="module">(.*?)</script>', html, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts]
    assert sorted(allowed) == sorted(hashes)
    assert len(scripts) == 2


def test_every_tag_is_closed(html):
    page = Page(html)
    assert page.open == []
    assert page.wrong == []


def test_identifiers_are_unlike_each_other_and_what_is_referred_to_is_there(html):
    tags = Page(html).tags
    identifiers = [a["id"] for _, a in tags if "id" in a]
    assert len(set(identifiers)) == len(identifiers)
    for _, attributes in tags:
        for name in ("aria-labelledby", "aria-describedby"):
            for identifier in (attributes.get(name) or "").split():
                assert identifier in identifiers or identifier == "viewed"  # which the script makes
        if (attributes.get("href") or "").startswith("#"):
            assert attributes["href"][1:] in identifiers


def test_names_are_text_and_never_markup(html):
    assert NASTY not in html
    assert "a &lt;script&gt;" in html
    for markup in ("<b>North", "moved <i>", "made up <b>"):
        assert markup not in html
    assert "$x_1$" in html
    assert all(attributes.get("type") for tag, attributes in Page(html).tags if tag == "script")


def test_what_is_missing_comes_first(html):
    notes = html[html.index('class="notes"') : html.index('id="glance"')]
    assert "1 case without a prediction" in notes
    assert "lost" in notes


def test_every_section_is_there(html):
    for section in ("glance", "boards", "distribution", "structures", "rules", "cases", "runs"):
        assert f'<h2 id="{section}">' in html
    for word in ("9.9.9", "abababababab", "Left ventricle blood cavity"):
        assert word in html


def test_tables_say_what_they_hold(html):
    page = Page(html)
    assert page.count("table") == page.count("caption")
    heads = [attributes for tag, attributes in page.tags if tag == "th"]
    assert all(attributes.get("scope") in ("col", "row") for attributes in heads)


def test_charts_are_told_in_words_and_drawn_without_script(html):
    plots = [a for tag, a in Page(html).tags if tag == "div" and a.get("class") == "plot"]
    assert len(plots) >= 8
    assert all(a["role"] == "img" and a["aria-labelledby"] and a["aria-describedby"] for a in plots)
    stills = re.findall(r'<div class="plot"[^>]*>(<svg.*?</svg>)</div>', html, re.DOTALL)
    assert len(stills) == len(plots)
    assert "limits of agreement" in html
    specs = json.loads(re.search(r'id="charts">(.*?)</script>', html, re.DOTALL)[1])
    assert len(specs) == len(plots)


def test_a_board_shows_the_perfect_run_first(html):
    board = html[html.index('class="sortable board"') :]
    teams = re.findall(r'<th scope="row"><span class="run">.*?</svg>(.*?)</span>', board, re.DOTALL)
    assert teams[:2] == ["perfect", "moved &lt;i&gt;"]


def test_rules_for_empty_masks_are_counted(html):
    section = html[html.index('<h2 id="rules">') : html.index('<h2 id="cases">')]
    rows = re.findall(r"<tr.*?</tr>", section, re.DOTALL)
    total = next(row for row in rows if "moved" in row and "all structures" in row)
    # four cases of two structures; one case has no prediction
    assert re.findall(r'data-value="(\d+)"', total) == ["6", "0", "0", "2"]


def test_pictures_show_the_slice_that_was_missed(html):
    pictures = pictures_of(html)
    assert len(pictures) == 8
    moved = [picture for picture in pictures if "moved <i>" in picture["runs"]]
    assert len(moved) == 6
    for picture in moved:
        place = picture["runs"].index("moved <i>")
        missed = [one for one in picture["slices"] if not one["predictions"][place]]
        assert [one["index"] for one in missed] == [4]
        assert missed[0]["dice"][place] == 0
        perfect = picture["runs"].index("perfect")
        assert all(one["dice"][perfect] == 1 and one["wrong"][perfect] == 0 for one in picture["slices"])


def test_still_pictures_say_what_they_show(html):
    titles = re.findall(r"<title id=[^>]*>([^<]*)", html)
    assert titles
    assert all("case" in title and "slice" in title for title in titles)


def test_without_images_and_prompts(study):
    path = write_report(study / "plain.html", truth_dir=study / "truth", runs=runs_of(study)[:1])
    html = path.read_text(encoding="utf-8")
    assert Page(html).count("image") == 0
    assert all(one["image"] is None for picture in pictures_of(html) for one in picture["slices"])
    assert "no image on this grid" in html
    assert "no prompt here" in html
    assert '<h2 id="boards">' not in html  # a single run is not ranked


def test_pictures_are_left_out_until_the_file_is_small_enough(study, html, arguments):
    of_pictures = sum(len(json.dumps(picture)) for picture in pictures_of(html))
    few_bytes = len(html.encode()) - of_pictures // 2 + 50_000  # the writer keeps 50 kB free
    small = write_report(study / "small.html", **arguments, largest_bytes=few_bytes)
    assert small.stat().st_size <= few_bytes
    assert 0 < len(pictures_of(small.read_text())) < len(pictures_of(html))
    with pytest.raises(SettingsError, match="too large"):
        write_report(study / "none.html", **arguments, largest_bytes=300_000)


def test_same_input_same_bytes_whatever_the_workers(study, html, arguments):
    assert write_report(study / "two.html", **arguments, workers=2).read_text(encoding="utf-8") == html


def test_where_nothing_could_be_scored_the_report_says_why(study):
    row = Row("b", "", "", None, "", ERROR, None, "the file is torn")
    path = write_report(
        study / "torn.html", truth_dir=study / "truth", runs=[Run("torn", study / "predictions", [row])]
    )
    html = path.read_text(encoding="utf-8")
    assert "the file is torn" in html
    assert "Nothing was scored" in html
