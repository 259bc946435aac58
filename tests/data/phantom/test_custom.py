import nibabel as nib
import numpy as np
import pytest

from unicare.core.errors import SettingsError
from unicare.data.cohort import read_cohort
from unicare.data.phantom.custom import read_tissue_table, simulate_from_labels

TABLE = """
sequences: [CT, T2]
labels:
  0: {name: background, signals: {CT: {mean: -1000}, T2: {mean: 0}}}
  70000: {name: liver, truth: 1, signals: {CT: {mean: 110, sd: 5, texture: 5}, T2: {mean: 240, sd: 20}}}
"""


@pytest.fixture
def anatomy(tmp_path):
    grid = np.zeros((32, 30, 10), dtype=np.int32)
    grid[8:24, 8:24, 2:8] = 70000
    folder = tmp_path / "maps"
    folder.mkdir()
    affine = np.array([[0, -2.0, 0, 5], [1.5, 0, 0, 6], [0, 0, 4, 7], [0, 0, 0, 1]])
    nib.save(nib.Nifti1Image(grid, affine), folder / "one.nii.gz")
    (tmp_path / "table.yaml").write_text(TABLE, encoding="utf-8")
    return tmp_path


def test_every_map_is_rendered_in_every_sequence(anatomy):
    steps = []
    rows = simulate_from_labels(
        anatomy / "maps",
        anatomy / "table.yaml",
        anatomy / "out",
        progress=lambda done, all_: steps.append((done, all_)),
    )
    assert [row.case for row in rows] == ["one-CT", "one-T2"]
    assert steps == [(1, 1)]
    assert read_cohort(anatomy / "out") == rows
    source = nib.load(anatomy / "maps" / "one.nii.gz")
    inside = np.asarray(source.dataobj) > 0
    for row in rows:
        image = nib.load(anatomy / "out" / "custom" / "images" / f"{row.case}.nii.gz")
        truth = nib.load(anatomy / "out" / "custom" / "labels" / f"{row.case}.nii.gz")
        np.testing.assert_allclose(image.affine, source.affine, atol=1e-5)
        np.testing.assert_array_equal(np.asarray(truth.dataobj), inside)
        values = np.asarray(image.dataobj)
        core = values[12:20, 12:20, 4:6]
        assert core.mean() > values[:4].mean()
    ct = np.asarray(nib.load(anatomy / "out" / "custom" / "images" / "one-CT.nii.gz").dataobj)
    assert 80 < ct[12:20, 12:20, 4:6].mean() < 140


def test_a_second_run_changes_nothing(anatomy):
    arguments = (anatomy / "maps", anatomy / "table.yaml", anatomy / "out")
    simulate_from_labels(*arguments)
    images = sorted((anatomy / "out" / "custom" / "images").iterdir())
    before = [(path.stat().st_mtime_ns, path.read_bytes()) for path in images]
    simulate_from_labels(*arguments)
    assert before == [(path.stat().st_mtime_ns, path.read_bytes()) for path in images]
    images[0].unlink()
    simulate_from_labels(*arguments)
    assert images[0].read_bytes() == before[0][1]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("mean: 110", "mean: 110, colour: 3", "colour"),
        ("mean: 110", "mean: bright", "labels.70000.signals.CT.mean"),
        ("mean: 110, sd: 5", "mean: 110, sd: -5", "sd"),
        ("sequences: [CT, T2]", "sequences: [CT, PET]", "PET"),
        ("sequences: [CT, T2]", "sequences: [CT, T1]", "without a signal in T1"),
        ("labels:", "lables:", "labels"),
        ("sequences: [CT", "sequences: [[CT", "can't read"),
    ],
)
def test_tables_that_are_wrong_say_where(anatomy, old, new, said):
    path = anatomy / "table.yaml"
    path.write_text(TABLE.replace(old, new), encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        read_tissue_table(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_labels_that_the_table_lacks_are_named(anatomy):
    (anatomy / "table.yaml").write_text(TABLE.replace("70000", "3"), encoding="utf-8")
    with pytest.raises(SettingsError, match=r"one\.nii\.gz.*70000"):
        simulate_from_labels(anatomy / "maps", anatomy / "table.yaml", anatomy / "out")


def test_a_folder_without_maps_is_refused(anatomy):
    with pytest.raises(SettingsError, match="no label maps"):
        simulate_from_labels(anatomy, anatomy / "table.yaml", anatomy / "out")
