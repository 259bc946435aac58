import re
from html.parser import HTMLParser

import nibabel as nib
import numpy as np
import pytest

from unicare.data.cohort import CohortRow, write_cohort
from unicare.evaluate.report import write_report
from unicare.evaluate.run import evaluate
from unicare.prompts.simulate import simulate_folder

AFFINE = np.diag([-1.5, -1.5, 9.0, 1.0])
NASTY = 'a <script>alert("1")</script> & co'.replace("/", "")


class Page(HTMLParser):
    """Tags with their attributes, and which are left open."""

    VOID = frozenset({"meta", "br", "link"})

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


@pytest.fixture(scope="module")
def html(study):
    result = evaluate(study / "predictions", study / "truth", cohort_csv=study / "cohort.csv")
    path = write_report(
        study / "new folder/report.html",
        predictions_dir=study / "predictions",
        truth_dir=study / "truth",
        rows=result.rows,
        images=study / "in",
        prompts_json=study / "in/prompts.json",
    )
    assert [found.name for found in path.parent.iterdir()] == ["report.html"]
    return path.read_text(encoding="utf-8")


def test_needs_nothing_from_outside(html):
    for _, attributes in Page(html).tags:
        for name in ("src", "href", "xlink:href", "action"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:", "#"))
    assert "url(http" not in html
    assert "@import" not in html


def test_every_tag_is_closed(html):
    page = Page(html)
    assert page.open == []
    assert page.wrong == []


def test_names_are_text_and_never_markup(html):
    assert NASTY not in html
    assert "a &lt;script&gt;" in html
    assert "<b>North" not in html
    assert "$x_1$" in html
    assert Page(html).count("script") == 1


def test_holds_every_part(html):
    page = Page(html)
    assert page.count("article") == 2
    assert page.count("figure") == 6
    assert page.count("image") == 6
    for word in ("Best", "Median", "Worst", "9.9.9", "abababababab", "left ventricle blood cavity"):
        assert word in html
    notes = html[html.index('class="notes"') : html.index('id="structures"')]
    assert "lost" in notes


def test_pictures_say_what_they_show(html):
    titles = re.findall(r"<title id=[^>]*>([^<]*)", html)
    assert len(titles) == 6
    assert all("Dice" in title and "slice" in title for title in titles)
    page = Page(html)
    assert all(
        a.get("aria-label") or a.get("aria-labelledby") for _, a in page.tags if a.get("role") == "img"
    )
    identifiers = [a["id"] for tag, a in page.tags if tag == "title" and "id" in a]
    assert len(set(identifiers)) == len(identifiers)


def test_worst_slice_is_the_missed_one_of_a_case_that_was_predicted(html):
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", html, re.DOTALL)
    worst = [caption for caption in captions if "Worst" in caption]
    assert len(worst) == 2
    assert all("slice 4" in caption and "prediction empty" in caption for caption in worst)


def test_without_images_and_prompts(study):
    result = evaluate(study / "predictions", study / "truth")
    path = write_report(
        study / "plain.html",
        predictions_dir=study / "predictions",
        truth_dir=study / "truth",
        rows=result.rows,
    )
    html = path.read_text(encoding="utf-8")
    assert Page(html).count("image") == 0
    assert "no image on this grid" in html
    assert "no prompt here" in html


def test_same_input_same_bytes(study):
    result = evaluate(study / "predictions", study / "truth")
    arguments = {"predictions_dir": study / "predictions", "truth_dir": study / "truth", "rows": result.rows}
    first = write_report(study / "one.html", **arguments).read_bytes()
    assert first == write_report(study / "two.html", **arguments).read_bytes()
