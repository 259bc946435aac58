from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid
from scipy.spatial.transform import Rotation

from unicare.core.errors import GeometryError, ImageError
from unicare.data.dicom import load_series, pick_series
from unicare.data.nifti import save_labels

DATA = Path(__file__).parents[2].parent / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="needs the real images beside the repository")
SERIES = "1.2.3.4"


def slice_of(pixels, position, **elements):
    """A CT slice in memory; rows are 2 mm apart, columns 1.5 mm."""
    dataset = pydicom.Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = CTImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid()
    dataset.SeriesInstanceUID = SERIES
    dataset.Modality = "CT"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.PixelSpacing = [2.0, 1.5]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.ImagePositionPatient = list(position)
    dataset.SliceThickness = 99.0
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 1
    dataset.PixelData = pixels.astype("<i2").tobytes()
    for name, value in elements.items():
        if value is None:
            delattr(dataset, name)
        else:
            setattr(dataset, name, value)
    return dataset


def pixels_of(index):
    return np.arange(12).reshape(3, 4) + 100 * index


def write(folder, datasets):
    """File names say nothing of where a slice lies."""
    folder.mkdir(exist_ok=True)
    for number, dataset in enumerate(datasets):
        dataset.save_as(folder / f"IM{(number * 7) % 101:03d}", enforce_file_format=True)
    return folder


def stack(heights=(0, 5, 10, 15), **elements):
    return [slice_of(pixels_of(k), (10, 20, z), **elements) for k, z in enumerate(heights)]


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 1, 0, 2)])
def test_slices_are_sorted_by_position_and_nothing_else(tmp_path, order):
    slices = stack()
    for number, index in enumerate(order):
        slices[index].InstanceNumber = number
    volume = load_series(write(tmp_path / "a", [slices[index] for index in order]))
    assert volume.spacing_mm == (2.0, 1.5, 5.0)
    # rows run to P, columns to L, slices to S: each slice stands as it is seen
    assert_array_equal(volume.data, np.stack([pixels_of(k) for k in range(4)], axis=2))
    assert volume.data.dtype == np.float32


def test_a_voxel_lies_where_its_slice_says(tmp_path):
    volume = load_series(write(tmp_path / "a", stack()))
    # row 2, column 3 of the slice at 10 mm, in LPS: 10 + 3·1.5, 20 + 2·2, 10
    assert_allclose(volume.affine @ (2, 3, 2, 1), (-14.5, -24.0, 10.0, 1.0))


def test_an_oblique_series_keeps_its_place(tmp_path):
    turned = Rotation.from_euler("xyz", (25, -15, 10), degrees=True).as_matrix()
    orientation = [*turned[:, 0], *turned[:, 1]]
    slices = [
        slice_of(pixels_of(k), turned @ (10, 20, 8.0 * k), ImageOrientationPatient=orientation)
        for k in (2, 0, 1)
    ]
    volume = load_series(write(tmp_path / "a", slices))
    assert_allclose(volume.spacing_mm, (2.0, 1.5, 8.0), rtol=1e-6)
    place = np.argwhere(volume.data == 211)[0]  # the last voxel of the slice at 16 mm
    wanted = turned @ (10 + 3 * 1.5, 20 + 2 * 2, 16)
    assert_allclose((volume.affine @ (*place, 1))[:3], wanted * (-1, -1, 1), atol=1e-6)


@pytest.mark.parametrize("orientation", [[1, 0, 0, 0, 0, -1], [0, 1, 0, 0, 0, -1], [-1, 0, 0, 0, -1, 0]])
def test_axes_of_any_plane_become_pls(tmp_path, orientation):
    normal = np.cross(orientation[:3], orientation[3:])
    slices = [slice_of(pixels_of(k), normal * 5 * k, ImageOrientationPatient=orientation) for k in range(4)]
    volume = load_series(write(tmp_path / "a", slices))
    assert nib.aff2axcodes(volume.affine) == ("P", "L", "S")
    assert sorted(volume.spacing_mm) == [1.5, 2.0, 5.0]


def test_a_tilted_gantry_gives_a_sheared_affine(tmp_path):
    slices = [slice_of(pixels_of(k), (0, 0.8 * k, 5.0 * k)) for k in range(4)]
    volume = load_series(write(tmp_path / "a", slices))
    assert_allclose(volume.affine @ (0, 0, 3, 1), (0, -2.4, 15, 1), atol=1e-9)


def test_each_slice_is_rescaled_by_its_own_slope(tmp_path):
    slices = stack()
    for k, one in enumerate(slices):
        one.RescaleSlope, one.RescaleIntercept = k + 1, -1024
    volume = load_series(write(tmp_path / "a", slices))
    assert_array_equal(volume.data[:, :, 2], pixels_of(2) * 3 - 1024)


def test_labels_on_a_series_are_written_as_nifti(tmp_path):
    volume = load_series(write(tmp_path / "a", stack()))
    save_labels(tmp_path / "out.nii.gz", volume, (volume.data == 203).astype(int))
    image = nib.load(tmp_path / "out.nii.gz")
    voxel = np.argwhere(np.asarray(image.dataobj))[0]
    assert_allclose(image.affine @ (*voxel, 1), (-14.5, -20, 10, 1))


@pytest.mark.parametrize(
    ("heights", "words"),
    [
        ((0, 5, 15, 20, 25), r"10\.00 mm between .*\(5\.00 mm\).*\(15\.00 mm\); expected 5\.00 mm"),
        ((0, 5, 10.4, 15, 20), r"5\.40 mm between"),
        ((0, 5, 5, 10), r"lie where another one lies.*both 5\.00 mm"),
    ],
)
def test_missing_uneven_and_doubled_slices_are_named(tmp_path, heights, words):
    folder = write(tmp_path / "a", stack(heights))
    with pytest.raises(GeometryError, match=words) as caught:
        load_series(folder)
    assert SERIES in str(caught.value)
    assert "IM0" in str(caught.value)


def test_rounded_positions_are_even_enough(tmp_path):
    heights = [round(k * 10 / 3, 2) for k in range(6)]
    assert load_series(write(tmp_path / "a", stack(heights))).spacing_mm[2] == pytest.approx(10 / 3, rel=1e-3)


def test_a_crooked_stack_is_refused(tmp_path):
    slices = [slice_of(pixels_of(k), (3.0 * (k == 1), 0, 5.0 * k)) for k in range(3)]
    with pytest.raises(GeometryError, match="straight line"):
        load_series(write(tmp_path / "a", slices))


@pytest.mark.parametrize(
    ("elements", "words"),
    [
        ({"PixelSpacing": [2.0, 1.6]}, "different PixelSpacing"),
        ({"ImageOrientationPatient": [1, 0, 0, 0, 0, -1]}, "aren't parallel"),
    ],
)
def test_slices_that_do_not_belong_together(tmp_path, elements, words):
    odd = slice_of(pixels_of(9), (10, 20, 20), **elements)
    with pytest.raises(GeometryError, match=words):
        load_series(write(tmp_path / "a", [*stack(), odd]))


def test_slices_of_different_size(tmp_path):
    odd = slice_of(np.zeros((5, 5)), (10, 20, 20))
    with pytest.raises(GeometryError, match="different size"):
        load_series(write(tmp_path / "a", [*stack(), odd]))


def test_several_series_are_named_and_one_can_be_chosen(tmp_path):
    folder = write(
        tmp_path / "a", [*stack(), *stack((0, 7), SeriesInstanceUID="1.2.9", SeriesDescription="LGE")]
    )
    with pytest.raises(ImageError, match="more than one series") as caught:
        load_series(folder)
    assert "1.2.3.4 (no name, 4 slices)" in str(caught.value)
    assert "1.2.9 (LGE, 2 slices)" in str(caught.value)
    assert load_series(folder, series_uid="1.2.9").spacing_mm[2] == 7
    with pytest.raises(ImageError, match=r"no series 5\.5"):
        load_series(folder, series_uid="5.5")


def test_what_is_no_slice_is_passed_over(tmp_path):
    folder = write(tmp_path / "a", stack())
    (folder / "notes.txt").write_text("hello")
    (folder / "zero").write_bytes(b"")
    screenshot = slice_of(pixels_of(0), (0, 0, 0), SeriesInstanceUID="9", PixelSpacing=None)
    screenshot.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    screenshot.SOPClassUID = SecondaryCaptureImageStorage
    screenshot.save_as(folder / "shot.dcm", enforce_file_format=True)
    assert load_series(folder).shape == (3, 4, 4)


def test_subfolders_are_searched(tmp_path):
    write(tmp_path / "a", stack())
    assert load_series(tmp_path).shape == (3, 4, 4)


def test_a_single_slice_is_as_thick_as_it_says(tmp_path):
    assert load_series(write(tmp_path / "a", stack((7,)))).spacing_mm == (2.0, 1.5, 99.0)
    with pytest.raises(GeometryError, match="unknown thickness"):
        load_series(write(tmp_path / "b", stack((7,), SliceThickness=None)))


@pytest.mark.parametrize(
    ("elements", "words"),
    [
        ({"ImagePositionPatient": None}, "ImagePositionPatient is missing"),
        ({"ImagePositionPatient": [1.0, 2.0]}, "ImagePositionPatient is missing or damaged"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "ImageOrientationPatient is impossible"),
        ({"ImageOrientationPatient": [0, 0, 0, 0, 0, 0]}, "ImageOrientationPatient is impossible"),
        ({"PixelSpacing": [0.0, 1.0]}, "PixelSpacing is impossible"),
        ({"PixelData": b"\0\0"}, "pixels can't be read"),
        ({"PixelData": None}, "pixels can't be read"),
    ],
)
def test_damaged_elements_are_one_sentence(tmp_path, elements, words):
    folder = write(tmp_path / "a", [*stack(), slice_of(pixels_of(4), (10, 20, 20))])
    bad = slice_of(pixels_of(5), (10, 20, 25), **elements)
    bad.save_as(folder / "bad.dcm", enforce_file_format=True)
    with pytest.raises((ImageError, GeometryError), match=words) as caught:
        load_series(folder)
    assert "bad.dcm" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kept", [0.2, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_a_truncated_last_slice_is_not_left_out(tmp_path, kept):
    folder = write(tmp_path / "a", stack())
    path = folder / "IM021"
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    with pytest.raises((ImageError, GeometryError), match="IM021"):
        load_series(folder)


def test_no_series(tmp_path):
    with pytest.raises(ImageError, match="no DICOM series"):
        load_series(tmp_path)
    with pytest.raises(ImageError, match=r"nowhere"):
        load_series(tmp_path / "nowhere")


def test_sequences_by_modality_and_description(tmp_path):
    assert pick_series(write(tmp_path / "ct", stack())).sequence == "CT"
    mr = {"Modality": "MR", "SeriesDescription": "sax_LGE psir"}
    assert pick_series(write(tmp_path / "mr", stack(**mr))).sequence == "LGE"
    assert pick_series(write(tmp_path / "x", stack(Modality="MR"))).sequence == "unknown"


@needs_data
def test_a_real_ct_is_spaced_by_its_positions():
    volume = load_series(DATA / "chaos_ct" / "dicom")
    assert volume.shape == (512, 512, 78)
    assert_allclose(volume.spacing_mm, (0.7265625, 0.7265625, 2.0), rtol=1e-5)
    assert nib.aff2axcodes(volume.affine) == ("P", "L", "S")
    air, bone = np.percentile(volume.data, (2, 99.9))
    assert air < -900
    assert bone > 300


@needs_data
def test_segmentations_beside_a_real_ct_are_passed_over():
    volume = load_series(DATA / "dcmqi_ct_liver")
    assert volume.shape == (512, 512, 3)
    assert_allclose(volume.spacing_mm[2], 1.0, rtol=1e-6)
