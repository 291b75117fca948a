"""Every preset on a file in its true layout: the numbers are those of a plain loop over events."""

import h5py
import numpy as np
import pytest
from tests.layouts import LAYOUTS

from hepad.core.errors import UserError
from hepad.formats import Request, convert_files, inspect_file
from hepad.formats.preset import preset_files
from hepad.formats.recognising import open_recognised


def test_every_preset_has_a_layout():
    assert set(LAYOUTS) == set(preset_files())


@pytest.fixture(params=sorted(LAYOUTS))
def written(request, tmp_path):
    """A layout, its file, and what is expected of it."""
    layout = LAYOUTS[request.param]
    path = tmp_path / f"file{layout.suffix}"
    return request.param, layout, path, layout.write(path, seed=3)


def test_numbers_are_those_of_a_plain_loop(written, tmp_path):
    name, layout, path, expected = written
    target = tmp_path / "out.h5"
    # Parts of other sizes than the file's own, so that events lie on both sides of every edge.
    found = convert_files([path], target, Request(format=layout.asked, sample="mine", chunk=17))
    assert found.preset == name
    with h5py.File(target) as file:
        assert set(file) == set(expected)
        assert file.attrs["sample"] == "mine"
        assert file.attrs["format"] == name
        for dataset, (values, names) in expected.items():
            wanted = np.asarray(values)
            assert file[dataset].shape == wanted.shape, dataset
            if names is not None:
                assert list(file[dataset].attrs["features"]) == names
                assert len(file[dataset].attrs["units"]) == len(names)
            if wanted.dtype.kind in "iub" or names is None:
                np.testing.assert_allclose(file[dataset][:], wanted, rtol=1e-6, err_msg=dataset)
            else:
                scale = np.abs(wanted).max() + 1e-30
                np.testing.assert_allclose(file[dataset][:], wanted, rtol=2e-5, atol=2e-6 * scale, err_msg=dataset)


def test_the_file_is_recognised_and_its_columns_are_told(written):
    _, layout, path, _ = written
    source, preset = open_recognised(path)
    with source:
        assert preset is not None
        assert layout.preset is None or preset.name == layout.preset
    shown = inspect_file(path)
    assert shown.columns
    assert str(path) in shown.command


def test_the_same_bytes_whatever_the_parts(written, tmp_path):
    _, layout, path, _ = written
    for chunk in (7, 1000):
        convert_files([path], tmp_path / f"{chunk}.h5", Request(format=layout.asked, chunk=chunk))
    assert (tmp_path / "7.h5").read_bytes() == (tmp_path / "1000.h5").read_bytes()


def test_a_truncated_file_is_one_line_and_leaves_nothing(written, tmp_path):
    _, layout, path, _ = written
    content = path.read_bytes()
    for share in (0.97, 0.6, 0.2, 0.001):
        path.write_bytes(content[: int(share * len(content))])
        try:
            convert_files([path], tmp_path / "out.h5", Request(format=layout.asked))
            refused = ""
        except UserError as error:
            refused = str(error)
        # Text that ends at the end of a line is a shorter file.
        assert refused or layout.suffix == ".csv"
        assert "\n" not in refused
        (tmp_path / "out.h5").unlink(missing_ok=bool(refused))
        assert sorted(p.name for p in tmp_path.iterdir()) == [path.name]
