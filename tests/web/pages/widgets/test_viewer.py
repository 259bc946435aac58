"""The viewer of volumes: what lies where, in which colour, on which slice; what it says when it can't."""

from __future__ import annotations

import gzip
import io
import time
from collections.abc import Callable
from typing import Any

import nibabel
import numpy as np
import pytest
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform
from numpy.typing import NDArray
from PIL import Image
from tests.web.pages.widgets.widget_site import WidgetSite

SIDE, SLICES = 64, 6
SPACING_MM = (1.0, 1.0, 5.0)
LV, RV = 500, 600

# Boxes of voxels in order L, P, S: column, row and slice as radiologists see them
TRUTH_BOX = (slice(10, 30), slice(8, 24), slice(1, 4))
PREDICTION_BOX = (slice(20, 40), slice(8, 24), slice(1, 4))


def packed(values: NDArray[Any], axes: str = "LPS") -> bytes:
    """A .nii.gz file of an array in order L, P, S, stored along other axes."""
    affine = np.diag([-SPACING_MM[0], -SPACING_MM[1], SPACING_MM[2], 1.0])
    image = nibabel.Nifti1Image(values, affine)
    turn = ornt_transform(io_orientation(affine), axcodes2ornt(tuple(axes)))
    return gzip.compress(image.as_reoriented(turn).to_bytes(), 1)


def boxed(**boxes: tuple[slice, ...]) -> NDArray[np.int16]:
    labels = np.zeros((SIDE, SIDE, SLICES), np.int16)
    for name, box in boxes.items():
        labels[box] = {"lv": LV, "rv": RV}[name]
    return labels


def fill(site: WidgetSite, axes: str = "LPS") -> None:
    image = np.full((SIDE, SIDE, SLICES), 100, np.float32)
    image[:, 32:] = 140
    rv = (slice(44, 54), slice(40, 56), slice(1, 4))
    site.files = {
        "image": packed(image, axes),
        "truth": packed(boxed(lv=TRUTH_BOX, rv=rv), axes),
        "prediction": packed(boxed(lv=PREDICTION_BOX, rv=rv), axes),
    }


def opened(tab: Any, site: WidgetSite, query: str = "") -> Any:
    tab.goto(f"{site.address}/viewer{query}")
    tab.locator(".viewer[data-state]").wait_for()
    return tab


Colours = dict[str, NDArray[Any]]


def colours(tab: Any) -> Colours:
    """Which of the image's voxels are shown (rows, columns) in a colour, by the colour's name."""
    shot = Image.open(io.BytesIO(tab.locator(".viewer canvas").screenshot())).convert("RGB")
    side = min(shot.size)
    left, top = (shot.width - side) // 2, (shot.height - side) // 2
    places = ((np.arange(SIDE) + 0.5) * side / SIDE).astype(int)
    pixels = np.array(shot, dtype=int)[top + places][:, left + places]
    pixels[[0, -1]] = pixels[:, [0, -1]] = 0  # where the outline is that shows what has the focus
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    return {
        "grey": green,
        "blue": (blue > red + 30) & (blue > green + 10),
        "orange": (red > blue + 40) & (red > green + 15),
        "green": (green > red + 30) & (green > blue + 5),
        "yellow": (red > blue + 40) & (abs(red - green) <= 15),
    }


def seen(tab: Any, *checks: Callable[[Colours], Any]) -> bool:
    """Whether all of these come true; a picture takes its time, on a busy machine seconds."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        found = colours(tab)
        if all(check(found) for check in checks):
            return True
    return False


def no_colour(found: Colours) -> bool:
    return not any(voxels.any() for colour, voxels in found.items() if colour != "grey")


def filled(colour: str, *box: slice) -> Callable[[Colours], bool]:
    return lambda found: shown(found[colour], *box)


def shown(found: NDArray[np.bool_], *box: slice) -> bool:
    """Whether a colour fills a box of (columns, rows), its rim apart, and is seen nowhere else."""
    columns, rows = box
    outer = np.zeros_like(found)
    outer[rows.start - 1 : rows.stop + 1, columns.start - 1 : columns.stop + 1] = True
    inner = found[rows.start + 1 : rows.stop - 1, columns.start + 1 : columns.stop - 1]
    return bool(inner.all() and not (found & ~outer).any())


def press(tab: Any, name: str) -> None:
    button = tab.get_by_role("button", name=name, exact=True)
    button.click()
    assert button.get_attribute("aria-pressed") == "true"


def slice_shown(tab: Any) -> str:
    return str(tab.locator(".viewer output").inner_text())


@pytest.mark.parametrize("axes", ["RAS", "LAS", "SPL"])
def test_a_file_may_lie_along_any_axes(tab: Any, site: WidgetSite, axes: str) -> None:
    fill(site, axes)
    opened(tab, site)
    assert slice_shown(tab) == "2 of 6"
    only_truth, only_prediction = (slice(10, 20), slice(8, 24)), (slice(30, 40), slice(8, 24))
    assert seen(tab, filled("blue", *only_truth), filled("orange", *only_prediction))


def test_what_lies_over_the_image_is_where_it_belongs(tab: Any, site: WidgetSite) -> None:
    fill(site)
    opened(tab, site)
    assert tab.locator(".viewer").get_attribute("data-mode") == "both"
    assert slice_shown(tab) == "2 of 6"  # the first of those that hold most
    only_truth, only_prediction = (slice(10, 20), slice(8, 24)), (slice(30, 40), slice(8, 24))
    assert seen(
        tab,
        filled("blue", *only_truth),
        filled("orange", *only_prediction),
        lambda found: found["green"][10:22, 22:28].all() and found["green"][42:54, 46:52].all(),
    )
    press(tab, "Difference")
    assert seen(
        tab,
        filled("blue", *only_truth),
        filled("orange", *only_prediction),
        lambda found: not found["green"].any(),
    )
    press(tab, "Truth")
    assert seen(
        tab,
        filled("green", slice(10, 30), slice(8, 24)),
        filled("yellow", slice(44, 54), slice(40, 56)),
    )
    press(tab, "Prediction")
    assert seen(tab, filled("green", slice(20, 40), slice(8, 24)))
    press(tab, "Image")
    assert seen(tab, no_colour)
    assert tab.locator(".viewer-legend li").count() == 0


def test_the_legend_says_what_a_colour_means(tab: Any, site: WidgetSite) -> None:
    fill(site)
    opened(tab, site)
    legend = tab.locator(".viewer-legend li")
    assert legend.all_inner_texts() == ["both agree", "only truth", "only prediction", "another structure"]
    press(tab, "Truth")
    assert legend.all_inner_texts() == ["left ventricle", "right <b>ventricle</b>"]
    assert tab.locator(".swatch").first.evaluate("one => one.style.backgroundColor") == "rgb(0, 158, 115)"


def test_slices_and_opacity_by_keys_wheel_and_sliders(tab: Any, site: WidgetSite) -> None:
    fill(site)
    opened(tab, site)
    canvas = tab.locator(".viewer canvas")
    canvas.focus()
    for _ in range(3):
        tab.keyboard.press("ArrowUp")
    assert slice_shown(tab) == "5 of 6"
    assert seen(tab, no_colour)
    tab.keyboard.press("Home")
    assert slice_shown(tab) == "1 of 6"
    tab.keyboard.press("ArrowDown")
    assert slice_shown(tab) == "1 of 6"
    tab.get_by_role("slider", name="Slice").fill("3")
    assert slice_shown(tab) == "3 of 6"
    assert seen(tab, lambda found: found["green"].any())
    assert canvas.get_attribute("aria-label") == "Case 1, slice 3 of 6, with truth and prediction"

    canvas.focus()
    for _ in range(5):
        tab.keyboard.press("ArrowLeft")
    assert seen(tab, no_colour)
    tab.get_by_role("slider", name="Opacity").fill("1")
    assert seen(tab, lambda found: found["blue"].any())

    tab.keyboard.press("Escape")
    canvas.click(position={"x": 200, "y": 150})
    before = slice_shown(tab)
    tab.mouse.wheel(0, 100)
    tab.wait_for_function(
        "(before) => document.querySelector('.viewer output').textContent !== before", arg=before
    )


def test_the_wheel_scrolls_the_page_until_the_picture_is_clicked(
    new_tab: Callable[..., Any], site: WidgetSite
) -> None:
    fill(site)
    tab = opened(new_tab(viewport={"width": 1000, "height": 500}), site)
    tab.locator(".viewer canvas").hover()
    before = slice_shown(tab)
    tab.mouse.wheel(0, 120)
    tab.wait_for_function("window.scrollY > 0")
    assert slice_shown(tab) == before


def test_modes_by_keys_and_three_planes(tab: Any, site: WidgetSite) -> None:
    fill(site)
    opened(tab, site)
    tab.locator(".viewer canvas").focus()
    for key, mode in (("1", "image"), ("5", "difference"), ("2", "truth")):
        tab.keyboard.press(key)
        assert tab.locator(".viewer").get_attribute("data-mode") == mode
    truth = filled("green", slice(10, 30), slice(8, 24))
    assert seen(tab, truth)
    tab.keyboard.press("p")
    assert tab.get_by_role("button", name="Three planes").get_attribute("aria-pressed") == "true"
    assert seen(tab, lambda found: not truth(found))
    tab.keyboard.press("p")
    assert seen(tab, truth)


def test_the_same_in_words(tab: Any, site: WidgetSite) -> None:
    fill(site)
    opened(tab, site)
    rows = [row.split("\t") for row in tab.locator(".viewer-amounts tbody tr").all_inner_texts()]
    lv = 20 * 16 * 3 * 5 / 1000  # voxels of 5 mm³
    assert rows[0] == ["Left ventricle", f"{lv:.1f}", f"{lv:.1f}", f"{lv / 2:.1f}"]
    assert rows[1] == ["Right <b>ventricle</b>", "2.4", "2.4", "2.4"]
    links = tab.locator(".viewer-files a")
    assert [link.get_attribute("href") for link in links.all()] == [
        "/files/image",
        "/files/truth",
        "/files/prediction",
    ]


def test_a_prediction_alone(tab: Any, site: WidgetSite) -> None:
    fill(site)
    opened(tab, site, "?truth=")
    assert tab.locator(".viewer-modes button").all_inner_texts() == ["Image", "Prediction"]
    assert seen(tab, filled("green", slice(20, 40), slice(8, 24)))


def test_ct_is_shown_in_a_soft_tissue_window(tab: Any, site: WidgetSite) -> None:
    fill(site)
    values = np.full((SIDE, SIDE, SLICES), -1000, np.int16)
    values[:, 32:] = 70  # the middle of the window
    site.files["image"] = packed(values)
    opened(tab, site)
    press(tab, "Image")
    assert seen(
        tab,
        lambda found: (found["grey"][8:30, 8:56] < 10).all(),
        lambda found: (abs(found["grey"][34:56, 8:56] - 128) < 12).all(),
    )


@pytest.mark.usefixtures("rough")
@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ("missing", "The truth can’t be loaded: There is no such file."),
        ("cut", "The truth can’t be loaded: its file is broken."),
        ("nonsense", "The truth can’t be shown: its file isn’t a volume that can be read here."),
        ("grid", "The truth has another grid than the image."),
        ("turned", "The truth has another grid than the image."),
    ],
)
def test_what_cant_be_shown_is_said(
    tab: Any, site: WidgetSite, broken: str, told: str, expected: list[str]
) -> None:
    expected.append("warning")
    fill(site)
    whole = site.files.pop("truth")
    made = {
        "cut": whole[: len(whole) // 2],
        "nonsense": b"No volume at all. " * 100,
        "turned": packed(boxed(lv=TRUTH_BOX), "RAS"),
        "grid": gzip.compress(nibabel.Nifti1Image(np.zeros((5, 6, 7), np.uint8), np.eye(4)).to_bytes()),
    }
    if broken in made:
        site.files["truth"] = made[broken]
    opened(tab, site)
    assert tab.get_by_role("status").first.inner_text() == told
    assert tab.locator(".viewer canvas").count() == 0
    assert tab.get_by_role("link", name="image").is_visible()


def test_without_webgl2_that_is_said_and_nothing_is_loaded(
    new_tab: Callable[..., Any], site: WidgetSite
) -> None:
    fill(site)
    tab = new_tab()
    tab.add_init_script("HTMLCanvasElement.prototype.getContext = () => null;")
    tab.goto(f"{site.address}/viewer")
    tab.get_by_text("it has no WebGL2").wait_for()
    assert not any("niivue" in asked or "/files/" in asked for asked in site.asked)


def test_without_scripts_the_files_can_be_downloaded(new_tab: Callable[..., Any], site: WidgetSite) -> None:
    tab = new_tab(java_script_enabled=False)
    tab.goto(f"{site.address}/viewer")
    assert "Volumes are shown by JavaScript" in tab.locator(".viewer").inner_text()
    assert tab.get_by_role("link", name="truth").is_visible()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (320, "light")])
def test_nothing_runs_off_the_page(
    new_tab: Callable[..., Any], site: WidgetSite, width: int, scheme: str
) -> None:
    fill(site)
    tab = opened(new_tab(viewport={"width": width, "height": 900}, color_scheme=scheme), site)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    press(tab, "Three planes")
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
