import numpy as np
import pytest

from unicare.core.errors import SettingsError
from unicare.data.phantom.readers import ReaderStyle, read, read_structures, sample_style
from unicare.data.phantom.tissues import Tissue

T = Tissue
LV, MYO = "left ventricle blood cavity", "left ventricular myocardium"
LA, RV = "left atrium blood cavity", "right ventricle blood cavity"


def heart(spacing_mm=1.0):
    """A ring of myocardium (radius 10 to 16 mm) with a papillary muscle, a scar and no-reflow in it."""
    n = int(48 / spacing_mm)
    x, y, _ = np.indices((n, n, 4)) * spacing_mm
    radius = np.hypot(x - 24, y - 24)
    grid = np.full((n, n, 4), T.LUNG, dtype=np.uint8)
    grid[radius < 16] = T.MYOCARDIUM
    grid[(radius >= 10) & (radius < 13) & (x > 30)] = T.SCAR
    grid[(radius >= 11) & (radius < 12) & (x > 34)] = T.NO_REFLOW
    grid[radius < 10] = T.BLOOD_LV
    grid[np.hypot(x - 24, y - 18) < 2] = T.PAPILLARY_LV
    return grid


def veins():
    """An atrium of 8 mm with a vein of 30 mm, and an appendage."""
    grid = np.zeros((48, 12, 12), dtype=np.uint8)
    grid[:8, 2:10, 2:10] = T.BLOOD_LA
    grid[8:38, 5:8, 5:8] = T.PULMONARY_VEIN
    grid[2:5, 10:12, 4:6] = T.ATRIAL_APPENDAGE
    return grid


def test_papillary_muscles_go_to_the_cavity_or_to_the_myocardium():
    papillary = heart() == T.PAPILLARY_LV
    convex = read_structures(heart(), ReaderStyle(papillary_in_cavity=True))
    holed = read_structures(heart(), ReaderStyle(papillary_in_cavity=False))
    assert convex[LV][papillary].all()
    assert not convex[MYO][papillary].any()
    assert not holed[LV][papillary].any()
    assert holed[MYO][papillary].all()


def test_parts_win_over_parents_in_the_label_map():
    labels = read(heart(), (1, 1, 1), ReaderStyle(), "myops")
    assert set(np.unique(labels)) == {0, 200, 500, 2221}
    assert (labels[heart() == T.SCAR] == 2221).all()
    assert (labels[heart() == T.NO_REFLOW] == 2221).all()
    compact = read(heart(), (1, 1, 1), ReaderStyle())
    assert set(np.unique(compact)) == {0, 1, 5, 8, 19}


@pytest.mark.parametrize("spacing_mm", [1.0, 0.5])
@pytest.mark.parametrize("change_mm", [-2.0, 2.0])
def test_the_wall_is_drawn_thicker_or_thinner_in_millimetres(spacing_mm, change_mm):
    spacing = (spacing_mm, spacing_mm, spacing_mm)
    grid = heart(spacing_mm)
    plain = read_structures(grid, ReaderStyle(), spacing_mm=spacing)
    changed = read_structures(grid, ReaderStyle(wall_mm=change_mm), spacing_mm=spacing)
    assert np.array_equal(plain[LV], changed[LV])

    def outer_mm(masks):
        return np.sqrt((masks[MYO] | masks[LV])[:, :, 1].sum() / np.pi) * spacing_mm

    assert outer_mm(changed) - outer_mm(plain) == pytest.approx(change_mm, abs=0.6 * spacing_mm)
    assert not (changed["myocardial scar"] & ~changed[MYO]).any()


@pytest.mark.parametrize("vein_mm", [0.0, 5.0, 20.0])
@pytest.mark.parametrize("spacing_mm", [1.0, 2.0])
def test_veins_are_cut_at_a_distance_from_the_atrium(vein_mm, spacing_mm):
    atrium = read_structures(veins(), ReaderStyle(vein_mm=vein_mm), spacing_mm=(spacing_mm,) * 3)[LA]
    assert atrium[:, 6, 6].sum() - 8 == vein_mm // spacing_mm


def test_the_appendage_is_in_or_out():
    appendage = veins() == T.ATRIAL_APPENDAGE
    assert read_structures(veins(), ReaderStyle(appendage=True))[LA][appendage].all()
    assert not read_structures(veins(), ReaderStyle(appendage=False))[LA][appendage].any()


def test_the_aorta_is_cut_only_where_its_start_is_in_view():
    grid = np.zeros((60, 6, 6), dtype=np.uint8)
    grid[:10] = T.BLOOD_LV
    grid[10:] = T.AORTA_ASCENDING
    style = ReaderStyle(aorta_mm=20)
    assert read_structures(grid, style)["ascending aorta"][:, 3, 3].sum() == 20
    assert read_structures(grid[10:], style)["ascending aorta"].all()
    assert (read(grid, (1, 1, 1), style, "whs") == 820).sum() == 20 * 36


def test_leaflets_go_to_the_nearest_chamber():
    grid = np.zeros((20, 6, 6), dtype=np.uint8)
    grid[:9], grid[9:13], grid[13:] = T.BLOOD_LV, T.VALVE, T.BLOOD_LA
    shared = read_structures(grid, ReaderStyle(valves=True))
    assert shared[LV][:11].all()
    assert shared[LA][11:].all()
    bare = read_structures(grid, ReaderStyle(valves=False))
    assert (bare[LV] | bare[LA])[9:13].sum() == 0


def test_atrial_scar_wins_over_the_atrium_but_is_no_cavity():
    grid = veins()
    grid[0] = T.SCAR_LA
    labels = read(grid, (1, 1, 1), ReaderStyle(), "la_scar")
    assert (labels[grid == T.SCAR_LA] == 1420).all()
    assert (labels[grid == T.BLOOD_LA] == 420).all()


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_kidneys_are_told_apart_by_the_affine(sign):
    grid = np.zeros((40, 10, 10), dtype=np.uint8)
    grid[5:10], grid[20:22], grid[30:35] = T.KIDNEY_CORTEX, T.SPINAL_CORD, T.KIDNEY_MEDULLA
    grid[0, 0, 0] = T.KIDNEY_CORTEX
    masks = read_structures(grid, ReaderStyle(), affine=np.diag([sign, 1, 1, 1]))
    towards_high = "right kidney" if sign > 0 else "left kidney"
    assert masks[towards_high][30:35].all()
    assert not masks[towards_high][:20].any()
    assert "right kidney" not in read_structures(grid, ReaderStyle())


def test_liver_vessels_and_lesions_follow_the_style():
    grid = np.full((6, 6, 6), T.LIVER, dtype=np.uint8)
    grid[0], grid[5] = T.LIVER_VESSEL, T.LIVER_LESION
    bare = read(grid, (1, 1, 1), ReaderStyle(liver_vessels=False, liver_lesions=False), "liver")
    assert (bare[1:5] == 1).all()
    assert not bare[[0, 5]].any()
    assert (read(grid, (1, 1, 1), ReaderStyle(), "liver") == 1).all()


def test_only_wanted_structures_are_read():
    assert set(read_structures(heart(), ReaderStyle(), wanted={LV})) == {LV}


def test_any_style_reads_any_grid():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        grid = rng.integers(0, 53, (20, 20, 6)).astype(np.uint8)
        labels = read(grid, (1, 1, 4), sample_style(rng), affine=np.diag([1.0, 1, 4, 1]))
        assert {1, 3, 11} <= set(np.unique(labels))


def test_unknown_tasks_are_refused():
    with pytest.raises(SettingsError, match="brain"):
        read(heart(), (1, 1, 1), ReaderStyle(), "brain")
