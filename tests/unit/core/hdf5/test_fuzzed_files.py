"""Files with wrong bytes: one line or a valid read, never a traceback, in little time and memory."""

import resource
import time

import h5py
import numpy as np
import pytest

from hepad.core.errors import UserError
from hepad.core.hdf5 import feature_names, has_dataset, open_hdf5, read_rows, safe_dataset

ROUNDS = 150


def read_all(path):
    with open_hdf5(path) as file:
        for name in ("jets", "table"):
            if has_dataset(file, name):
                dataset = safe_dataset(file, name)
                feature_names(dataset, ("a", "b", "c"))
                read_rows(dataset)


@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_wrong_bytes_are_told_in_one_line(tmp_path, libver):
    path = tmp_path / "file.h5"
    with h5py.File(path, "w", libver=libver) as file:
        jets = np.random.default_rng(0).random((40, 3), dtype="f4")
        file.create_dataset("jets", data=jets, chunks=(10, 3), compression="gzip", shuffle=True)
        file["jets"].attrs["features"] = ["pt", "eta", "phi"]
        file["table"] = jets
        file["table"].attrs["features"] = np.array([b"pt", b"eta", b"phi"])
    good = path.read_bytes()
    rng = np.random.default_rng(7)
    refused = 0
    start, peak = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(ROUNDS):
        bad = bytearray(good)
        for _ in range(rng.integers(1, 6)):
            bad[rng.integers(len(bad))] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.integers(256)])
        path.write_bytes(bad[: rng.integers(len(bad))] if rng.random() < 0.05 else bad)
        try:
            read_all(path)
        except UserError as error:
            lines = str(error).splitlines()
            refused += 1
        else:
            lines = ["read"]
        assert len(lines) == 1
    assert refused > ROUNDS / 10
    assert time.monotonic() - start < 60
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 300 << 10
