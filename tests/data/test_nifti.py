import gzip
import logging
import os
import pickle
import struct
from itertools import permutations, product
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.transform import Rotation

from unicare.core.errors import GeometryError, ImageError, OutputError, UnicareError
from unicare.core.volume import Volume
from unicare.data.nifti import load_labels, load_volume, save_labels, save_volume, stem

INTEGERS = [np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.uint64, np.int64]
FLOATS = [np.float32, np.float64]
LPS = np.diag([-1.5, -1.25, 8.0, 1.0])
SIGNED_AXES = [
    np.eye(3)[list(order)] * signs for order in permutations(range(3)) for signs in product((1, -1), repeat=3)
]


def written(path, data, affine=LPS, kind=nib.Nifti1Image):
    nib.save(kind(data, affine, dtype=data.dtype), path)
    return path


def counted(shape=(3, 4, 5), dtype=np.int16):
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


def patched(path, **fields):
    """Overwrites header fields of an uncompressed little-endian NIfTI-1 file."""
    header = nib.Nifti1Header(path.read_bytes()[:348], endianness="<", check=False)
    for name, value in fields.items():
        header[name] = value
    path.write_bytes(header.binaryblock + path.read_bytes()[348:])
    return path


@pytest.mark.parametrize("turn", SIGNED_AXES, ids=lambda turn: str(turn.astype(int).tolist()))
def test_every_axis_order_comes_back_as_it_was(tmp_path, turn):
    affine = np.eye(4)
    affine[:3, :3] = turn * (0.75, 1.5, 8.0)
    affine[:3, 3] = (10.5, -20.25, 30.0)
    data = counted()
    volume = load_volume(written(tmp_path / "in.nii.gz", data, affine))
    assert nib.aff2axcodes(volume.affine) == ("P", "L", "S")
    save_labels(tmp_path / "out.nii.gz", volume, volume.data.astype(np.int64))
    out = nib.load(tmp_path / "out.nii.gz")
    assert_array_equal(np.asarray(out.dataobj), data)
    assert_array_equal(out.affine, affine)


@st.composite
def oblique_images(draw):
    turn = Rotation.from_euler("xyz", draw(st.tuples(*[st.floats(-180, 180)] * 3)), degrees=True)
    spacing = draw(st.tuples(*[st.floats(0.25, 20)] * 3))
    affine = np.eye(4)
    affine[:3, :3] = turn.as_matrix() @ draw(st.sampled_from(SIGNED_AXES)) * spacing
    affine[:3, 3] = draw(st.tuples(*[st.floats(-500, 500)] * 3))
    image = nib.Nifti1Image(counted(draw(st.tuples(*[st.integers(1, 4)] * 3))), None)
    form = draw(st.sampled_from(["sform", "qform", "both"]))
    if form != "qform":
        image.set_sform(affine, code=2)
    if form != "sform":
        image.set_qform(affine, code=1)
    # a float32 quaternion near a half turn is only good to some 1e-3: what a file can't hold isn't asked for
    return image, affine if form != "qform" else image.get_qform()


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(oblique_images())
def test_an_oblique_file_comes_back_to_the_bit(tmp_path, image_and_affine):
    image, affine = image_and_affine
    nib.save(image, tmp_path / "in.nii")
    source = nib.load(tmp_path / "in.nii")
    volume = load_volume(tmp_path / "in.nii")
    assert_allclose(volume.file.affine, source.affine, atol=1e-12)
    assert_allclose(volume.file.affine, affine, atol=1e-3)
    save_labels(tmp_path / "out.nii", volume, volume.data.astype(int))
    out = nib.load(tmp_path / "out.nii")
    assert_array_equal(np.asarray(out.dataobj), np.asarray(source.dataobj))
    assert_array_equal(out.affine, source.affine)
    for field in ("sform_code", "qform_code", "pixdim", "quatern_b", "srow_x", "qoffset_z"):
        assert_array_equal(out.header[field], source.header[field])


def test_a_volume_that_came_from_no_file_has_both_forms(tmp_path):
    turned = np.eye(4)
    turned[:3, :3] = Rotation.from_euler("xyz", (10, 20, 30), degrees=True).as_matrix() * (1, 1, 8)
    volume = Volume.from_file_axes(counted(), turned)
    save_volume(tmp_path / "out.nii", volume)
    image = nib.load(tmp_path / "out.nii")
    assert_allclose(image.get_sform(), turned, atol=1e-6)
    assert_allclose(image.get_qform(), turned, atol=1e-5)
    assert (int(image.header["sform_code"]), int(image.header["qform_code"])) == (1, 1)


def test_a_sheared_volume_has_no_qform(tmp_path):
    sheared = np.eye(4)
    sheared[0, 2] = 0.3
    save_volume(tmp_path / "out.nii", Volume.from_file_axes(counted(), sheared))
    image = nib.load(tmp_path / "out.nii")
    assert int(image.header["qform_code"]) == 0
    assert_allclose(image.affine, sheared, atol=1e-6)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("dtype", INTEGERS + FLOATS)
def test_every_type_is_read(tmp_path, dtype, kind, name):
    data = counted(dtype=dtype)
    path = written(tmp_path / name, data, kind=kind)
    image, labels = load_volume(path), load_labels(path)
    assert image.data.dtype == np.float32
    assert_array_equal(image.to_file_axes(image.data), data)
    assert_array_equal(labels.to_file_axes(labels.data), data.astype(int))
    assert labels.data.dtype == (dtype if dtype in INTEGERS else np.uint8)


@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.float64])
def test_the_other_byte_order_is_read(tmp_path, dtype):
    header = nib.Nifti1Header(endianness=">")
    image = nib.Nifti1Image(counted(dtype=dtype), LPS, header)
    image.header.set_data_dtype(np.dtype(dtype).newbyteorder(">"))
    nib.save(image, tmp_path / "big.nii")
    assert (tmp_path / "big.nii").read_bytes()[:4] == struct.pack(">i", 348)
    volume = load_volume(tmp_path / "big.nii")
    assert_array_equal(volume.to_file_axes(volume.data), counted())
    save_labels(tmp_path / "out.nii", volume, volume.data.astype(int))
    assert_array_equal(np.asarray(nib.load(tmp_path / "out.nii").dataobj), counted())
    assert load_labels(tmp_path / "big.nii").data.dtype.isnative


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float32])
def test_slope_and_intercept_are_applied(tmp_path, dtype):
    path = written(tmp_path / "a.nii", counted(dtype=dtype))
    patched(path, scl_slope=2.0, scl_inter=-1024.0)
    volume = load_volume(path)
    assert_array_equal(volume.to_file_axes(volume.data), counted().astype(float) * 2 - 1024)


@pytest.mark.parametrize("slope", [0.0, np.nan, np.inf])
def test_a_slope_that_means_none_changes_nothing(tmp_path, slope):
    path = patched(written(tmp_path / "a.nii", counted()), scl_slope=slope, scl_inter=7.0)
    volume = load_volume(path)
    assert_array_equal(volume.to_file_axes(volume.data), counted())


def test_an_intercept_that_is_no_number_is_refused(tmp_path):
    path = patched(written(tmp_path / "a.nii", counted()), scl_slope=2.0, scl_inter=np.nan)
    with pytest.raises(ImageError, match="scl_inter nan"):
        load_volume(path)


def test_labels_may_be_floats_and_scaled(tmp_path):
    path = patched(written(tmp_path / "a.nii", np.full((2, 2, 2), 21, np.int16)), scl_slope=20.0)
    assert set(load_labels(path).data.ravel()) == {420}
    assert load_labels(path).data.dtype == np.uint16


def test_labels_between_whole_numbers_are_refused(tmp_path):
    data = np.zeros((3, 4, 5), np.float32)
    data[1, 2, 3] = 419.99
    with pytest.raises(ImageError, match=r"1 voxels .* 419.99 at \(1, 2, 3\)"):
        load_labels(written(tmp_path / "a.nii.gz", data))


def test_large_float_labels_are_read_piece_by_piece_to_the_same_end(tmp_path):
    shape = (171, 171, 171)  # more values than are worked on at once
    labels = np.zeros(shape, dtype=np.float32, order="F")
    labels[-1, -1, -1], labels[0, 0, 0], labels[5, :, 90] = 2221, -3, 420
    path = written(tmp_path / "large.nii", labels)
    found = load_labels(path)
    assert_array_equal(found.to_file_axes(found.data), labels)
    assert found.data.dtype == np.int16
    labels[-1, -1, -2] = 419.99
    with pytest.raises(ImageError, match=r"found 1 voxels .* the first 419\.99 at \(170, 170, 169\)"):
        load_labels(written(path, labels))


def test_labels_too_large_to_be_exact_are_refused(tmp_path):
    with pytest.raises(ImageError, match="not a label map"):
        load_labels(written(tmp_path / "a.nii", np.full((1, 1, 2), 1e30)))


@pytest.mark.parametrize(
    ("largest", "dtype"),
    [
        (0, np.uint8),
        (255, np.uint8),
        (256, np.uint16),
        (2221, np.uint16),
        (70000, np.int32),
        (2**31, np.int64),
    ],
)
def test_labels_are_stored_in_the_smallest_type(tmp_path, largest, dtype):
    grid = load_volume(written(tmp_path / "in.nii", np.random.default_rng(0).random((3, 4, 5))))
    labels = np.zeros(grid.shape, dtype=np.int64)
    labels[1, 2, 3] = largest
    save_labels(tmp_path / "out.nii.gz", grid, labels)
    image = nib.load(tmp_path / "out.nii.gz")
    assert image.get_data_dtype() == dtype
    assert np.asarray(image.dataobj).max() == largest
    assert_array_equal(load_labels(tmp_path / "out.nii.gz").data, labels)


def test_negative_labels_are_kept(tmp_path):
    grid = Volume.from_file_axes(counted(), LPS)
    save_labels(tmp_path / "out.nii", grid, np.full(grid.shape, -1))
    assert set(load_labels(tmp_path / "out.nii").data.ravel()) == {-1}


@pytest.mark.parametrize("dtype", [*INTEGERS, np.float32, np.float64, np.float16, np.bool_])
def test_an_image_comes_back_with_its_values(tmp_path, dtype):
    volume = Volume.from_file_axes(counted((2, 3, 4)).astype(dtype), LPS)
    save_volume(tmp_path / "a.nii.gz", volume)
    assert_array_equal(load_volume(tmp_path / "a.nii.gz").data, volume.data.astype(np.float32))


def test_a_slope_of_the_image_does_not_leak_into_its_labels(tmp_path):
    path = patched(written(tmp_path / "in.nii", counted()), scl_slope=3.0, scl_inter=5.0)
    grid = load_volume(path)
    save_labels(tmp_path / "out.nii", grid, np.full(grid.shape, 7))
    assert set(np.asarray(nib.load(tmp_path / "out.nii").dataobj).ravel()) == {7}


def test_the_sform_wins_and_the_distance_is_told(tmp_path, caplog):
    image = nib.Nifti1Image(counted(), None)
    other = LPS.copy()
    other[0, 3] = 12.5
    image.set_sform(LPS, code=1)
    image.set_qform(other, code=1)
    nib.save(image, tmp_path / "a.nii")
    with caplog.at_level(logging.WARNING, "unicare"):
        volume = load_volume(tmp_path / "a.nii")
    assert_array_equal(volume.file.affine, LPS)
    assert "12.5 mm apart" in caplog.text


def test_forms_that_agree_give_no_warning(tmp_path, caplog):
    image = nib.Nifti1Image(counted(), None)
    image.set_sform(LPS, code=1)
    image.set_qform(LPS, code=1)
    nib.save(image, tmp_path / "a.nii")
    load_volume(tmp_path / "a.nii")
    assert not caplog.records


def test_spacing_is_the_affines_and_a_pixdim_that_differs_is_told(tmp_path, caplog):
    path = patched(written(tmp_path / "a.nii", counted()), pixdim=[1, 9, 9, 9, 1, 1, 1, 1])
    assert load_volume(path).spacing_mm == (1.25, 1.5, 8.0)
    assert "pixdim says [9.0, 9.0, 9.0] mm" in caplog.text


def test_a_header_in_metres_is_read_in_mm(tmp_path):
    path = written(tmp_path / "a.nii", counted(), np.diag([0.002, 0.002, 0.008, 1]))
    patched(path, xyzt_units=1)
    volume = load_volume(path)
    assert_allclose(volume.spacing_mm, (2, 2, 8), rtol=1e-6)
    save_labels(tmp_path / "out.nii", volume, np.ones(volume.shape, int))
    assert_array_equal(nib.load(tmp_path / "out.nii").affine, nib.load(path).affine)


def test_a_fourth_axis_of_one_is_dropped(tmp_path):
    assert load_volume(written(tmp_path / "a.nii", counted((3, 4, 5, 1)))).file.shape == (3, 4, 5)


@pytest.mark.parametrize("shape", [(3, 4, 1), (1, 4, 5), (1, 1, 1)])
def test_a_single_slice_is_a_volume(tmp_path, shape):
    assert load_volume(written(tmp_path / "a.nii", counted(shape))).file.shape == shape


def test_a_constant_image_is_read_with_a_warning(tmp_path, caplog):
    load_volume(written(tmp_path / "a.nii", np.full((2, 2, 2), 7)))
    assert "every voxel has the value 7" in caplog.text


def test_volumes_travel_between_processes(tmp_path):
    volume = pickle.loads(pickle.dumps(load_volume(written(tmp_path / "a.nii", counted()))))
    save_labels(tmp_path / "out.nii", volume, volume.data.astype(int))
    assert_array_equal(nib.load(tmp_path / "out.nii").affine, LPS)


def refused(path, words, error=UnicareError):
    for load in (load_volume, load_labels):
        with pytest.raises(error, match=words) as caught:
            load(path)
        assert os.fspath(path) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_missing_file(tmp_path):
    refused(tmp_path / "none.nii.gz", "nothing there", ImageError)


def test_a_folder(tmp_path):
    refused(tmp_path, "a folder", ImageError)


def test_zero_bytes(tmp_path):
    (tmp_path / "a.nii.gz").write_bytes(b"")
    refused(tmp_path / "a.nii.gz", "empty", ImageError)


@pytest.mark.parametrize("text", [b"x", b"hello", b"this is a text file\n" * 50])
def test_text_named_nifti(tmp_path, text):
    (tmp_path / "a.nii.gz").write_bytes(text)
    refused(tmp_path / "a.nii.gz", "not a NIfTI file", ImageError)


def test_zipped_text_named_nifti(tmp_path):
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(b"this is a text file\n" * 50))
    refused(tmp_path / "a.nii.gz", "not a NIfTI file", ImageError)


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_gzip_stream(tmp_path, kept):
    path = written(tmp_path / "a.nii.gz", np.random.default_rng(0).random((9, 9, 9)))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    refused(path, "cut off", ImageError)


def test_a_whole_gzip_stream_with_too_few_voxels(tmp_path):
    path = written(tmp_path / "a.nii", np.random.default_rng(0).random((9, 9, 9)))
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(path.read_bytes()[:2000]))
    refused(tmp_path / "a.nii.gz", "cut off.*1648 bytes of voxels.*5832 bytes", ImageError)


def test_a_short_plain_file(tmp_path):
    path = written(tmp_path / "a.nii", counted())
    path.write_bytes(path.read_bytes()[:-1])
    refused(path, "cut off", ImageError)


def test_a_flipped_bit_is_found_by_the_checksum(tmp_path):
    path = written(tmp_path / "a.nii.gz", counted())
    raw = bytearray(path.read_bytes())
    raw[-6] ^= 1
    path.write_bytes(bytes(raw))
    refused(path, "damaged", ImageError)


def test_bytes_after_the_gzip_stream_do_no_harm(tmp_path, caplog):
    path = written(tmp_path / "a.nii.gz", counted())
    path.write_bytes(path.read_bytes() + b"trailing")
    assert load_volume(path).file.shape == (3, 4, 5)
    assert "after the end" in caplog.text


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("dim", [(3, 30000, 30000, 22), (3, 500, 500, 500), (3, 32767, 32767, 32767)])
def test_more_voxels_than_the_file_can_hold(tmp_path, name, dim):
    path = patched(written(tmp_path / "a.nii", counted()), dim=[*dim, 1, 1, 1, 1])
    if name.endswith("gz"):
        (tmp_path / name).write_bytes(gzip.compress(path.read_bytes()))
    refused(tmp_path / name, "too big|cut off", ImageError)


def test_the_limit_can_be_set(tmp_path):
    path = written(tmp_path / "a.nii", counted())
    with pytest.raises(ImageError, match="too big"):
        load_volume(path, max_bytes=119)
    load_volume(path, max_bytes=120)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_voxels_that_are_no_numbers(tmp_path, value):
    data = np.ones((3, 4, 5), np.float32)
    data[1, 2, 3] = data[2, 2, 3] = value
    refused(written(tmp_path / "a.nii.gz", data), r"2 of 60 .*at \(1, 2, 3\)", ImageError)


def test_voxels_beyond_float32(tmp_path):
    data = np.ones((3, 4, 5))
    data[0, 0, 1] = 1e300
    with pytest.raises(ImageError, match=r"beyond float32.*1e\+300 at \(0, 0, 1\)"):
        load_volume(written(tmp_path / "a.nii.gz", data))


@pytest.mark.parametrize("shape", [(4,), (4, 5), (3, 4, 5, 2), (3, 4, 5, 1, 3)])
def test_other_than_three_axes(tmp_path, shape):
    refused(written(tmp_path / "a.nii", counted(shape)), f"{len(shape)} axes .*expected 3 axes", ImageError)


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128, [("R", "u1"), ("G", "u1"), ("B", "u1")]])
def test_voxels_of_several_numbers(tmp_path, dtype):
    refused(written(tmp_path / "a.nii", np.zeros((3, 4, 5), dtype)), "aren't plain numbers", ImageError)


def test_an_unknown_voxel_type(tmp_path):
    refused(patched(written(tmp_path / "a.nii", counted()), datatype=1), "datatype 1 ", ImageError)
    refused(patched(written(tmp_path / "a.nii", counted()), datatype=1536), "FLOAT128", ImageError)


def test_a_file_without_directions(tmp_path):
    path = patched(written(tmp_path / "a.nii", counted()), sform_code=0, qform_code=0)
    refused(path, "how it lies in the patient", GeometryError)


def test_zero_spacing(tmp_path):
    image = nib.Nifti1Image(counted(), None)
    image.set_qform(LPS, code=1)
    nib.save(image, tmp_path / "a.nii")
    refused(
        patched(tmp_path / "a.nii", pixdim=[1, 1, 0, 1, 1, 1, 1, 1], sform_code=0),
        "spacing is zero",
        GeometryError,
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"srow_x": [0, 0, 0, 0]}, "spacing is zero"),
        ({"srow_x": [1, 0, 0, 0], "srow_y": [1, 0, 0, 0]}, "spacing is zero"),
        ({"srow_x": [1, 1, 0, 0], "srow_y": [1, 1, 0, 0]}, "singular"),
        ({"srow_x": [np.nan, 0, 0, 0]}, "finite"),
        ({"srow_x": [1e6, 0, 0, 0]}, "spacing is impossible"),
        ({"sform_code": 0, "qform_code": 1, "quatern_b": 3.0}, "qform is impossible"),
        ({"sform_code": 0, "qform_code": 1, "pixdim": [1, -1, 1, 1, 1, 1, 1, 1]}, "qform is impossible"),
        ({"dim": [0, 3, 4, 5, 1, 1, 1, 1]}, "dimensions are impossible"),
        ({"dim": [3, 3, -4, 5, 1, 1, 1, 1]}, "dimensions are impossible"),
        ({"dim": [9, 3, 4, 5, 1, 1, 1, 1]}, "dimensions are impossible"),
        ({"vox_offset": np.nan}, "impossible place"),
        ({"vox_offset": 1e30}, "impossible place"),
        ({"vox_offset": 100}, "impossible place"),
        ({"vox_offset": 1e6}, "cut off"),
        ({"magic": b"ni1"}, "another file"),
        ({"magic": b"xyz"}, "damaged"),
    ],
)
def test_impossible_headers(tmp_path, fields, words):
    refused(patched(written(tmp_path / "a.nii", counted()), **fields), words)


def told(load, path):
    """The volume, or the sentence that says why there is none."""
    try:
        return load(path), ""
    except UnicareError as error:
        return None, str(error)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=12),
    length=st.one_of(st.none(), st.integers(0, 500)),
    version=st.sampled_from([nib.Nifti1Image, nib.Nifti2Image]),
)
def test_any_bytes_end_in_a_volume_or_a_sentence(tmp_path, name, changes, length, version):
    raw = bytearray(version(counted(), LPS).to_bytes())
    for place, value in changes:
        raw[place % len(raw)] = value
    raw = raw[:length]
    path = tmp_path / name
    path.write_bytes(gzip.compress(raw, 1) if name.endswith("gz") else raw)
    for load in (load_volume, load_labels):
        volume, sentence = told(load, path)
        if volume is None:
            assert str(path) in sentence
            assert "\n" not in sentence
        else:
            assert np.isfinite(volume.data).all()
            assert np.isfinite(volume.affine).all()
            save_labels(tmp_path / "out.nii", volume, np.ones(volume.shape, int))


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(10, 10**6), st.integers(1, 255)), min_size=1, max_size=3))
def test_no_damaged_gzip_stream_is_taken_for_whole(tmp_path, changes):
    raw = bytearray(gzip.compress(nib.Nifti1Image(counted(), LPS).to_bytes(), 1))
    touched = bytearray(raw)
    for place, change in changes:
        touched[10 + place % (len(raw) - 10)] ^= change
    path = tmp_path / "a.nii.gz"
    path.write_bytes(touched)
    volume, _ = told(load_volume, path)
    if volume is not None:
        assert_array_equal(volume.to_file_axes(volume.data), counted())


def grid():
    return Volume.from_file_axes(counted(), LPS)


def test_missing_folders_are_made_and_nothing_else_is_left(tmp_path):
    save_labels(tmp_path / "new" / "folder" / "a.nii.gz", grid(), np.ones(grid().shape, int))
    assert [path.name for path in (tmp_path / "new" / "folder").iterdir()] == ["a.nii.gz"]


def test_the_same_labels_give_the_same_bytes(tmp_path):
    for name in ("a.nii.gz", "b.nii.gz"):
        save_labels(tmp_path / name, grid(), np.ones(grid().shape, int))
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_a_file_in_place_of_the_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="can't be written"):
        save_labels(tmp_path / "file" / "a.nii.gz", grid(), np.ones(grid().shape, int))


def test_another_suffix(tmp_path):
    with pytest.raises(OutputError, match=r"\.nii\.gz"):
        save_labels(tmp_path / "a.nrrd", grid(), np.ones(grid().shape, int))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.nii"
    path.write_text("old")
    monkeypatch.setattr("pathlib.Path.with_name", lambda self, name: type(self)("/dev/full"))
    monkeypatch.setattr("pathlib.Path.unlink", lambda self, missing_ok=False: None)
    with pytest.raises(OutputError, match="No space left"):
        save_volume(path, grid())
    assert path.read_text() == "old"


def test_an_interrupted_write_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save_labels(tmp_path / "a.nii.gz", grid(), np.ones(grid().shape, int))
    assert list(tmp_path.iterdir()) == []


def test_labels_must_be_whole_and_fit(tmp_path):
    with pytest.raises(ImageError, match="float64"):
        save_labels(tmp_path / "a.nii", grid(), np.ones(grid().shape))
    with pytest.raises(GeometryError, match="another grid"):
        save_labels(tmp_path / "a.nii", grid(), np.ones((2, 2, 2), int))


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("a.nii", "a"), ("a.b.nii.gz", "a.b"), ("Ä b_C0.NII.GZ", "Ä b_C0"), ("a.gz", None), ("a.nrrd", None)],
)
def test_stem(name, wanted):
    assert stem(name) == wanted


def test_sizes_that_stand_only_in_pixdim_are_used(tmp_path: Path) -> None:
    path = tmp_path / "turn_only.nii.gz"
    image = nib.Nifti1Image(np.zeros((4, 5, 6), np.int16), np.diag([-1.0, -1.0, 1.0, 1.0]))
    image.header.set_sform(np.diag([-1.0, -1.0, 1.0, 1.0]), code=2)
    image.header["qform_code"] = 0
    image.header["pixdim"][1:4] = (1.5, 1.25, 10.0)
    nib.save(image, path)

    volume = load_volume(path)
    save_labels(tmp_path / "out.nii.gz", volume, np.ones(volume.shape, np.uint8))

    assert volume.spacing_mm == (1.25, 1.5, 10.0)
    assert nib.load(tmp_path / "out.nii.gz").header["pixdim"][1:4].tolist() == [1.5, 1.25, 10.0]
    assert load_volume(tmp_path / "out.nii.gz").spacing_mm == (1.25, 1.5, 10.0)
