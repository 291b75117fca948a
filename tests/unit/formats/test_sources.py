"""Readers give the same rows in whatever ranges they are asked for; expressions are those of arithmetic."""

import math

import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot
from tests.layouts import LAYOUTS

from hepad.core.errors import UserError
from hepad.formats.csv_source import CsvSource
from hepad.formats.expressions import evaluate, names_in
from hepad.formats.functions import FUNCTIONS
from hepad.formats.opening import open_source, reader_of
from hepad.formats.side_files import LumiMask

N_ROWS = 20_000
TABLE = np.random.default_rng(1).normal(size=(N_ROWS, 2))


def write_root(path):
    with uproot.recreate(path) as root:
        tree = root.mktree("t", {"a": "f8", "b": "f8"})
        for start in range(0, N_ROWS, 3000):
            tree.extend({"a": TABLE[start : start + 3000, 0], "b": TABLE[start : start + 3000, 1]})


WRITERS = {
    "a.csv": lambda path: np.savetxt(path, TABLE, delimiter=",", header="a,b", comments="", fmt="%.17g"),
    "no_end.csv": lambda path: path.write_text("\n".join(["a b", *(f"{x!r} {y!r}" for x, y in TABLE.tolist())])),
    "a.npz": lambda path: np.savez(path, a=TABLE[:, 0], b=TABLE[:, 1]),
    "a.parquet": lambda path: pq.write_table(pa.table({"a": TABLE[:, 0], "b": TABLE[:, 1]}), path, row_group_size=3000),
    "a.root": write_root,
}


@pytest.mark.parametrize("name", WRITERS)
def test_any_range_of_rows(name, tmp_path):
    WRITERS[name](tmp_path / name)
    with open_source(tmp_path / name) as source:
        assert list(source.columns) == ["a", "b"]
        assert source.n_rows(["a", "b"]) == N_ROWS
        for start, stop in ((0, 5), (8190, 8195), (8192, 8192), (2999, 16400), (N_ROWS - 1, N_ROWS)):
            found = source.read(["b", "a"], start, stop)
            np.testing.assert_array_equal(found["a"], TABLE[start:stop, 0])
            np.testing.assert_array_equal(found["b"], TABLE[start:stop, 1])


def test_reading_begins_where_a_file_was_written_in_steps(tmp_path):
    for name in ("a.root", "a.parquet"):
        WRITERS[name](tmp_path / name)
        with open_source(tmp_path / name) as source:
            assert list(source.boundaries(["a", "b"])) == [*range(0, N_ROWS, 3000), N_ROWS]


def test_ragged_text_of_many_lines(tmp_path):
    LAYOUTS["darkmachines"].write(tmp_path / "few.csv", 2)
    lines = (tmp_path / "few.csv").read_text() * 60
    (tmp_path / "many.csv").write_text(lines)
    with open_source(tmp_path / "many.csv") as many, open_source(tmp_path / "few.csv") as few:
        assert many.n_rows(["met"]) == 2400
        one = few.read(["met", "obj_pt", "obj_kind"], 0, 40)
        for start, stop in ((0, 40), (1000, 1080), (2360, 2400)):
            found = many.read(["met", "obj_pt", "obj_kind"], start, stop)
            for row in range(start, stop):
                assert found["met"][row - start] == one["met"][row % 40]
                assert found["obj_pt"][row - start].tolist() == one["obj_pt"][row % 40].tolist()
                assert found["obj_kind"][row - start].tolist() == one["obj_kind"][row % 40].tolist()
    (tmp_path / "bad.csv").write_text("0;p;1;2;3;j,1,2,3,4;\n1;p;1;2\n")
    with open_source(tmp_path / "bad.csv", "darkmachines") as bad, pytest.raises(UserError, match="row 1 is no"):
        bad.read(["met"], 0, 2)


def test_text_that_ends_in_a_number_is_truncated(tmp_path):
    LAYOUTS["darkmachines"].write(tmp_path / "few.csv", 2)
    content = (tmp_path / "few.csv").read_bytes().rstrip(b"\n;")
    (tmp_path / "cut.csv").write_bytes(content[:-2])
    with pytest.raises(UserError, match=r"cut\.csv: truncated, its last line does not end"):
        open_source(tmp_path / "cut.csv", "darkmachines")


def test_columns_of_other_lengths_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.ones(3), b=np.ones(4))
    with open_source(tmp_path / "a.npz") as source, pytest.raises(UserError, match="b has 4 rows, a has 3"):
        source.n_rows(["a", "b"])


def test_the_first_bytes_say_what_a_file_is(tmp_path):
    WRITERS["a.root"](tmp_path / "named.csv")
    assert reader_of(tmp_path / "named.csv") == "root"


def test_expressions_are_those_of_arithmetic():
    a, b = np.array([1.0, -2.0, 3.0]), np.array([0.5, 4.0, 2.0])
    columns = {"a": a, "Jet.b": b}.__getitem__
    for text, wanted in (
        ("a + 2 * Jet.b ** 2 - a / 4 % 3", a + 2 * b**2 - a / 4 % 3),
        ("-1 < a <= 3 and not Jet.b > 3", [True, False, True]),
        ("where(a > 0 or Jet.b == 4, sqrt(abs(a)), pi)", np.sqrt(np.abs(a))),
        ('column("Jet.b")[1:]', b[1:]),
    ):
        np.testing.assert_allclose(evaluate(text, columns), wanted)
    assert names_in("where(a > 0, Jet.b, pi)") == ("a", "Jet.b")


def test_jagged_and_dense_objects_have_the_same_functions():
    dense = np.random.default_rng(1).normal(size=(7, 4))
    jagged = ak.from_regular(ak.Array(dense))
    for name in ("sum", "max", "first", "last", "count"):
        given = (dense > 0, jagged > 0) if name == "count" else (dense, jagged)
        np.testing.assert_allclose(ak.to_numpy(FUNCTIONS[name](given[1])), FUNCTIONS[name](given[0]), atol=1e-12)
    for name in ("any", "all"):
        np.testing.assert_array_equal(ak.to_numpy(FUNCTIONS[name](jagged > -0.5)), FUNCTIONS[name](dense > -0.5))
    np.testing.assert_array_equal(ak.to_numpy(FUNCTIONS["nth"](ak.Array([[1.0, 2.0], []]), 1)), [2, 0])


def test_kinematics_are_those_of_one_momentum():
    px, py, pz, mass = 3.0, -4.0, 12.0, 2.0
    assert FUNCTIONS["pt_of"](px, py) == 5
    assert math.isclose(FUNCTIONS["eta_of"](np.array([px]), np.array([py]), np.array([pz]))[0], math.asinh(12 / 5))
    assert FUNCTIONS["eta_of"](np.zeros(1), np.zeros(1), np.ones(1))[0] == 0
    energy = FUNCTIONS["energy_of"](mass, px, py, pz)
    assert math.isclose(energy, math.sqrt(173))
    assert math.isclose(FUNCTIONS["mass_of"](energy, px, py, pz), mass)
    assert math.isclose(FUNCTIONS["delta_phi"](3.0, -3.0), 6 - 2 * math.pi)


def test_intervals_of_a_lumi_mask_may_overlap_and_come_in_any_order():
    sections = np.arange(1, 30)
    mask = LumiMask({5: [(20, 22), (2, 10), (4, 5)]})
    wanted = [2 <= section <= 10 or 20 <= section <= 22 for section in sections]
    assert mask(np.full(29, 5), sections).tolist() == wanted


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_an_empty_cell_of_a_text_table_is_nan(tmp_path, mark):
    path = tmp_path / "a.csv"
    path.write_text("a,b,c\n,2,3\n4, ,6\n7,8,\n".replace(",", mark))
    found = CsvSource(path).read(["a", "b", "c"], 0, 3)
    expected = [[np.nan, 2, 3], [4, np.nan, 6], [7, 8, np.nan]]
    np.testing.assert_array_equal(np.column_stack(list(found.values())), expected)
