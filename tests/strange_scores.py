"""Changes to a run's scores.h5 that a stranger, or a broken disk, may have made."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np


def _group(file: h5py.File) -> h5py.Group:
    return file[sorted(file)[0]]


def _put(name: str, values: Any) -> Callable[[h5py.File], None]:
    def put(file: h5py.File) -> None:
        group = _group(file)
        if name in group:
            del group[name]
        group[name] = values

    return put


def _slot_group(file: h5py.File) -> None:
    del _group(file)["slot"]
    _group(file).create_group("slot")


def _entries(n: int) -> Callable[[h5py.File], None]:
    def put(file: h5py.File) -> None:
        _put("score", np.ones(n, "f4"))(file)
        _put("index", np.arange(n))(file)

    return put


def _external(file: h5py.File) -> None:
    group = _group(file)
    del group["score"]
    group["score"] = h5py.ExternalLink("/etc/hostname", "/score")


SCORES: dict[str, Callable[[h5py.File], None]] = {
    "columns of other lengths": _put("index", np.arange(3)),
    "no dimension": _put("score", np.float32(1)),
    "an index of no dimension": _put("index", np.int64(1)),
    "two dimensions": _put("score", np.ones((4, 4), "f4")),
    "no numbers": _put("score", np.array([b"a", b"b"])),
    "an index of fractions": _put("index", np.array([0.5, 1e30, np.nan])),
    "an index of huge numbers": _put("index", np.full(241, 2**62)),
    "negative rows": _put("index", np.arange(-241, 0)),
    "slots of another length": _put("slot", np.arange(3)),
    "a slot of no dimension": _put("slot", np.int64(0)),
    "a slot that is a group": _slot_group,
    "nothing": lambda file: [file.pop(name) for name in list(file)] and None,
    "no score": lambda file: _group(file).pop("score") and None,
    "NaN": _put("score", np.full(241, np.nan, "f4")),
    "a data set in place of a sample": lambda file: file.create_dataset("other", data=[1.0]) and None,
    "a name with dots": lambda file: file.create_group("..") and None,
    "a link to elsewhere": _external,
    "a kind that is an array": lambda file: file.attrs.__setitem__("kind", np.arange(3)),
    "a kind that is not UTF-8": lambda file: file.attrs.__setitem__("kind", np.bytes_(b"\xff\xfe")),
    "one entry": _entries(1),
    "no entry": _entries(0),
}


def in_scores(how: Callable[[h5py.File], None]) -> Callable[[Path], None]:
    """Return what makes a change to the scores.h5 of a run's directory."""

    def changed(run: Path) -> None:
        with h5py.File(run / "scores.h5", "r+") as file:
            how(file)

    return changed
