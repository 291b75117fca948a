"""Types, shapes and attributes that are no numbers and no names: one line each."""

import h5py
import numpy as np
import pytest

from hepad.core.errors import UserError
from hepad.core.hdf5 import feature_names, has_dataset, open_hdf5, read_rows, safe_dataset, text_attribute


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.h5"


def wide_integer():
    kind = h5py.h5t.STD_I64LE.copy()
    kind.set_size(16)
    kind.set_precision(128)
    return kind


def wide_float():
    kind = h5py.h5t.IEEE_F64LE.copy()
    kind.set_size(32)
    kind.set_precision(256)
    kind.set_fields(255, 236, 19, 0, 236)
    return kind


LOW_LEVEL = {
    "time": (h5py.h5t.UNIX_D32LE, "time"),
    "i128": (wide_integer(), "integer"),
    "f256": (wide_float(), "float"),
    "bits": (h5py.h5t.STD_B8LE, "bit field"),
    "opaque": (h5py.h5t.create(h5py.h5t.OPAQUE, 7), "opaque"),
    "variable": (h5py.h5t.vlen_create(h5py.h5t.STD_I32LE), "variable length"),
    "reference": (h5py.h5t.STD_REF_OBJ, "reference"),
    "compound": (h5py.h5t.py_create(np.dtype([("pt", "f4"), ("eta", "f4")])), "compound"),
    "enumeration": (h5py.h5t.py_create(h5py.enum_dtype({"A": 1, "B": 2}), logical=True), "enumeration"),
    "array": (h5py.h5t.py_create(np.dtype(("f4", (3,)))), "array"),
}


@pytest.mark.parametrize("name", LOW_LEVEL)
def test_a_type_that_is_no_number_is_named(path, name):
    kind, told = LOW_LEVEL[name]
    with h5py.File(path, "w") as file:
        h5py.h5d.create(file.id, b"x", kind, h5py.h5s.create_simple((5, 3)))
    with open_hdf5(path) as file, pytest.raises(UserError, match=rf"file\.h5:/x is .*{told}"):
        safe_dataset(file, "x")


def test_booleans_are_numbers(path):
    with h5py.File(path, "w") as file:
        file["x"] = np.array([[True, False]])
    with open_hdf5(path) as file:
        assert read_rows(safe_dataset(file, "x")).tolist() == [[True, False]]


def test_scalars_and_null_spaces_have_no_rows(path):
    with h5py.File(path, "w") as file:
        file["scalar"] = 3.0
        file["null"] = h5py.Empty("f4")
        file["none"] = np.empty((0, 3))
    with open_hdf5(path) as file:
        with pytest.raises(UserError, match="a single number"):
            read_rows(safe_dataset(file, "scalar"))
        with pytest.raises(UserError, match="is empty"):
            safe_dataset(file, "null")
        assert read_rows(safe_dataset(file, "none")).shape == (0, 3)


def test_a_group_reached_by_a_link_is_not_entered(path, tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["g/x"] = np.ones(3)
    with h5py.File(path, "w") as file:
        file["g"] = h5py.ExternalLink("other.h5", "/g")
        file["y"] = np.ones(3)
        file["soft"] = h5py.SoftLink("/")
    with open_hdf5(path) as file:
        for name in ("g/x", "soft/y"):
            assert not has_dataset(file, name)
            with pytest.raises(UserError, match="a link to elsewhere"):
                safe_dataset(file, name)
        with pytest.raises(UserError, match="no data set 'y/z'"):
            safe_dataset(file, "y/z")


ATTRIBUTES = {
    "numbers": (lambda attrs: attrs.__setitem__("features", [1, 2, 3]), "no list of texts"),
    "table": (lambda attrs: attrs.__setitem__("features", [["a", "b", "c"]]), "no list of texts"),
    "null": (lambda attrs: attrs.__setitem__("features", h5py.Empty("S3")), "no list of texts"),
    "pickled": (lambda attrs: attrs.__setitem__("features", np.void(b"\x80\x04K\x01.")), "no list of texts"),
    "latin-1": (lambda attrs: attrs.__setitem__("features", np.array([b"p\xfc", b"b", b"c"])), "not UTF-8"),
    "variable latin-1": (
        lambda attrs: attrs.create("features", [b"p\xfc", b"b", b"c"], dtype=h5py.string_dtype()),
        "not UTF-8",
    ),
    "long": (lambda attrs: attrs.__setitem__("features", np.array([b"a" * 5000] * 3)), "too large"),
    "twice": (lambda attrs: attrs.__setitem__("features", ["a", "b", "a"]), "names two columns 'a'"),
    "few": (lambda attrs: attrs.__setitem__("features", ["a"]), "3 columns but names 1"),
    "time": (
        lambda attrs: h5py.h5a.create(attrs._id, b"features", h5py.h5t.UNIX_D32LE, h5py.h5s.create_simple((3,))),
        "no list of texts",
    ),
}


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_names_of_columns_that_are_none(path, name):
    make, said = ATTRIBUTES[name]
    with h5py.File(path, "w") as file:
        file["x"] = np.zeros((2, 3))
        make(file["x"].attrs)
    with open_hdf5(path) as file, pytest.raises(UserError, match=said):
        feature_names(file["x"], ("a", "b", "c"))


def test_text_attributes(path):
    with h5py.File(path, "w") as file:
        file.attrs["kind"] = "jets"
        file.attrs["number"] = 3
    with open_hdf5(path) as file:
        assert text_attribute(file, "kind") == "jets"
        assert text_attribute(file, "nothing") == ""
        with pytest.raises(UserError, match=r"'number'.* is no list of texts"):
            text_attribute(file, "number")


def with_damaged_heap(path, attribute="features"):
    """Write texts of variable length, and let the first object of their heap declare a size of 2⁶⁴ − 8."""
    with h5py.File(path, "w") as file:
        file["x"] = np.zeros((1000, 3), "f4")
        file["x"].attrs[attribute] = ["pt", "eta", "phi"]
    content = bytearray(path.read_bytes())
    place = content.index(b"GCOL\x01") + 16
    content[place + 8 : place + 16] = ((1 << 64) - 8).to_bytes(8, "little")
    path.write_bytes(content)


def test_a_heap_that_would_be_walked_for_ever_is_refused(path):
    with_damaged_heap(path)
    with open_hdf5(path) as file, pytest.raises(UserError, match=r"the texts in it .* are damaged"):
        feature_names(safe_dataset(file, "x"), ("a", "b", "c"))


def test_a_damaged_heap_that_no_name_lies_in_is_not_read(path):
    with_damaged_heap(path, "notes")
    with open_hdf5(path) as file:
        assert feature_names(safe_dataset(file, "x"), ("a", "b", "c")) == ("a", "b", "c")
        with pytest.raises(UserError, match="damaged"):
            text_attribute(file["x"], "notes")
        # Nothing is remembered as sound.
        with pytest.raises(UserError, match="damaged"):
            text_attribute(file["x"], "notes")
