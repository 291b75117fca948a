"""Reading files that may be broken or hostile."""

import h5py
import numpy as np
import pytest

from hepad.core.errors import UserError
from hepad.core.hdf5 import datasets, feature_names, has_dataset, is_named, open_hdf5, read_rows, safe_dataset


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.h5"


def read(path, name="x"):
    with open_hdf5(path) as file:
        return read_rows(safe_dataset(file, name))


def test_plain_and_compressed_data_come_back(path):
    values = np.arange(60, dtype="f4").reshape(20, 3)
    with h5py.File(path, "w") as file:
        file["x"] = values
        file.create_dataset("z", data=values, compression="gzip", shuffle=True)
    np.testing.assert_array_equal(read(path), values)
    np.testing.assert_array_equal(read(path, "z"), values)


def test_big_endian_data_come_back_in_native_order(path):
    with h5py.File(path, "w") as file:
        file["x"] = np.arange(5, dtype=">f4")
    assert read(path).dtype == np.dtype("f4")


def test_missing_file(tmp_path):
    with pytest.raises(UserError, match=r"no file .*nothing\.h5"):
        read(tmp_path / "nothing.h5")


def test_not_hdf5(path):
    path.write_text("pt,eta,phi\n")
    with pytest.raises(UserError, match="not an HDF5 file"):
        read(path)


def test_truncated(path):
    with h5py.File(path, "w") as file:
        file["x"] = np.zeros(100_000)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(UserError, match="truncated"):
        read(path)


def test_damaged_chunk(path):
    with h5py.File(path, "w") as file:
        noise = np.random.default_rng(0).random(20_000)
        file.create_dataset("x", data=noise, compression="gzip", chunks=(20_000,))
        offset = file["x"].id.get_chunk_info(0).byte_offset
    content = bytearray(path.read_bytes())
    content[offset + 100 : offset + 5000] = bytes(4900)
    path.write_bytes(content)
    with pytest.raises(UserError, match="damaged"):
        read(path)


def test_missing_data_set_names_those_there(path):
    with h5py.File(path, "w") as file:
        file["jets"] = np.zeros(3)
    with pytest.raises(UserError, match=r"no data set 'x'.*jets"):
        read(path)


def test_external_storage_is_refused(path, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(80))
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (10,), "f8", external=[(str(secret), 0, 80)])
    with pytest.raises(UserError, match="other files"):
        read(path)


def test_virtual_data_set_is_refused(path, tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["x"] = np.zeros(10)
    layout = h5py.VirtualLayout((10,), "f8")
    layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", (10,))
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("x", layout)
    with pytest.raises(UserError, match="other files"):
        read(path)


@pytest.mark.parametrize("link", [h5py.SoftLink("/y"), h5py.ExternalLink("other.h5", "/x")])
def test_links_are_refused(path, link):
    with h5py.File(path, "w") as file:
        file["y"] = np.zeros(3)
        file["x"] = link
    with pytest.raises(UserError, match="link"):
        read(path)


def test_text_and_groups_are_refused(path):
    with h5py.File(path, "w") as file:
        file["x"] = "text"
        file.create_group("g")
    with pytest.raises(UserError, match="not numeric"):
        read(path)
    with pytest.raises(UserError, match="group"):
        read(path, "g")


def test_absurd_declared_size_is_refused_before_anything_is_allocated(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (10**13,), "f8", chunks=(1000,))
    with pytest.raises(UserError, match="declares"):
        read(path)


def test_feature_names_from_the_attribute_or_the_default(path):
    with h5py.File(path, "w") as file:
        file["named"] = np.zeros((2, 3))
        file["named"].attrs["features"] = ["a", "b", "c"]
        file["plain"] = np.zeros((2, 2))
        file["short"] = np.zeros((2, 3))
        file["short"].attrs["features"] = ["a"]
    with open_hdf5(path) as file:
        assert feature_names(file["named"], ("p", "q")) == ("a", "b", "c")
        assert feature_names(file["plain"], ("p", "q")) == ("p", "q")
        with pytest.raises(UserError, match="3 columns but names 1"):
            feature_names(file["short"], ("p", "q"))
        with pytest.raises(UserError, match="2 columns and no attribute"):
            feature_names(file["plain"], ("p", "q", "r"))


def test_a_file_that_this_process_holds_open_is_read(path):
    with h5py.File(path, "w") as file:
        file["x"] = [1.0]
    with h5py.File(path), open_hdf5(path) as file:
        assert file["x"][0] == 1.0


@pytest.mark.parametrize("settings", [{}, {"chunks": (10, 2), "compression": "gzip"}])
def test_checks_are_made_once_for_each_opening(path, settings, monkeypatch):
    values = np.arange(200.0).reshape(100, 2)
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=values, **settings).attrs["features"] = ["a", "b"]
    looked = []
    for name in ("hard_linked_dataset", "check_storage", "_check_numeric"):
        check = getattr(datasets, name)
        monkeypatch.setattr(datasets, name, lambda *words, n=name, check=check: looked.append(n) or check(*words))
    for _ in range(2):
        looked.clear()
        with open_hdf5(path) as file:
            for start in range(0, 100, 7):
                found = safe_dataset(file, "x")
                np.testing.assert_array_equal(read_rows(found, start, start + 7), values[start : start + 7])
                assert feature_names(found, ()) == ("a", "b")
                assert (has_dataset(file, "x"), has_dataset(file, "y"), is_named(file, "y")) == (True, False, False)
        assert sorted(looked) == ["_check_numeric", "check_storage", "hard_linked_dataset"]


def test_a_file_in_the_place_of_another_is_looked_through_anew(path, tmp_path):
    def write(place, value, name):
        with h5py.File(place, "w") as file:
            file.create_dataset("x", data=np.full((50, 1), value), chunks=(10, 1)).attrs["features"] = [name]

    def seen():
        with open_hdf5(path) as file:
            found = safe_dataset(file, "x")
            return float(read_rows(found).mean()), feature_names(found, ())

    write(path, 1.0, "a")
    assert seen() == (1.0, ("a",))
    write(tmp_path / "other.h5", 2.0, "b")
    (tmp_path / "other.h5").replace(path)
    assert seen() == (2.0, ("b",))
    with h5py.File(path, "w") as file:
        file["x"] = h5py.ExternalLink("other.h5", "x")
    with pytest.raises(UserError, match="link to elsewhere"):
        seen()


def test_nothing_is_kept_of_a_file_that_is_being_written(path):
    with h5py.File(path, "w") as file:
        assert not has_dataset(file, "x")
        file["x"] = np.zeros((3, 1))
        assert has_dataset(file, "x")
        file["x"].attrs["features"] = ["a"]
        assert feature_names(safe_dataset(file, "x"), ()) == ("a",)
        file["x"].attrs["features"] = ["b"]
        assert feature_names(safe_dataset(file, "x"), ()) == ("b",)
        del file["x"]
        with pytest.raises(UserError, match="no data set 'x'"):
            safe_dataset(file, "x")
