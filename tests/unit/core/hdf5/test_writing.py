"""Writing HDF5 files where the disk fills up: one error, nothing left, and a process that lives on."""

import subprocess
import sys

import h5py
import numpy as np
import pytest

from hepad.core.errors import JobError
from hepad.core.hdf5 import create_hdf5, write_hdf5

# In a process of its own: HDF5 may end the whole process, also when Python exits.
ON_A_FULL_DISK = """
import resource
import sys
from pathlib import Path

import numpy as np

from hepad.core.errors import JobError
from hepad.core.hdf5 import write_hdf5

limit, n_rows = int(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
numbers = np.random.default_rng(0).random((n_rows, 16))
try:
    with write_hdf5(Path("big.h5")) as file:
        file.create_dataset("rows", numbers.shape, "<f4", chunks=(min(1024, n_rows), 16), compression="gzip")
        for start in range(0, n_rows, 1500):
            file["rows"][start : start + 1500] = numbers[start : start + 1500]
except JobError as error:
    print(error)
"""


def fill(file):
    rows = file.create_dataset("rows", (5000, 16), "<f4", chunks=(512, 16), compression="gzip", track_times=False)
    for start in range(0, 5000, 700):
        rows[start : start + 700] = np.arange(start * 16, start * 16 + rows[start : start + 700].size).reshape(-1, 16)
    file.attrs["sample"] = "rows"


# The first write, one in between, the last chunk, and a small file whose first write is that of its closing.
@pytest.mark.parametrize(("limit", "n_rows"), [(0, 40_000), (1_000, 40_000), (300_000, 40_000), (2_000, 100)])
def test_a_full_disk_is_one_error_that_leaves_nothing(tmp_path, limit, n_rows):
    command = [sys.executable, "-c", ON_A_FULL_DISK, str(limit), str(n_rows)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "cannot write big.h5: File too large; nothing is left of it\n"
    assert list(tmp_path.iterdir()) == []


def test_the_bytes_are_those_of_hdf5_itself(tmp_path):
    with create_hdf5(tmp_path / "plain.h5") as file:
        fill(file)
    with write_hdf5(tmp_path / "safe.h5") as file:
        fill(file)
    assert (tmp_path / "safe.h5").read_bytes() == (tmp_path / "plain.h5").read_bytes()
    with h5py.File(tmp_path / "safe.h5") as file:
        assert np.array_equal(file["rows"][:].ravel(), np.arange(80_000))


def test_an_error_of_the_caller_stays_what_it_is_and_leaves_nothing(tmp_path):
    def written():
        with write_hdf5(tmp_path / "a.h5") as file:
            fill(file)
            (tmp_path / "elsewhere").read_bytes()

    with pytest.raises(FileNotFoundError, match="elsewhere"):
        written()
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_takes_no_file_is_an_error_of_the_job(tmp_path):
    with pytest.raises(JobError, match=r"nowhere/a\.h5: No such file"), write_hdf5(tmp_path / "nowhere" / "a.h5"):
        pass
