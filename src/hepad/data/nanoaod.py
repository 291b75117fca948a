"""CMS NanoAOD to hepad's HDF5."""

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from hepad import __version__
from hepad.core.errors import UserError
from hepad.core.hdf5 import create_hdf5
from hepad.core.schema import (
    EVENT_FEATURES_DATASET,
    HT_JET_MAX_ABS_ETA,
    HT_JET_PT_MIN,
    JET_DATASET,
    JET_FEATURES,
    N_JETS,
    N_JETS_MAX_ABS_ETA,
    N_JETS_PT_MIN,
)

_EVENTS_PER_STEP: Final = 20_000
_COLUMNS: Final = ("n_vertices", "n_jets", "ht", "met")
_NEEDED: Final = ("pt", "eta", "phi", "mass")
_MET_BRANCHES: Final = ("MET_pt", "PuppiMET_pt", "PFMET_pt")


@dataclass(frozen=True)
class Converted:
    """Result of `convert_nanoaod`.

    Attributes:
        events: how many were written.
        lacking: the jet features that the file has no branch for; these columns were left out.
    """

    events: int
    lacking: tuple[str, ...]


def convert_nanoaod(source: Path, target: Path, sample: str, limit: int | None = None) -> Converted:
    """Write the jets of a NanoAOD file as `jet_event_data` and `event_features`.

    Which of the columns of `JET_FEATURES` a file has depends on the version of NanoAOD (taggers come and go): those
    it lacks are left out and named, all but `pt`, `eta`, `phi` and `mass`.

    The 8 leading jets by pT of each event are kept, in GeV, columns in the order of `JET_FEATURES`. Event features are
    the number of primary vertices, `n_jets` and `ht` as `hepad.core.schema` defines them for every file, and MET (GeV).
    Memory is bounded by the step, not by the file. The target appears when it is whole.

    Args:
        source: a ROOT file with the tree `Events` (CMS NanoAOD).
        target: the HDF5 file to write.
        sample: the sample's name, kept as an attribute.
        limit: at most this many events.

    Raises:
        UserError: the file cannot be read, or it lacks a branch that jets cannot do without.
    """
    aside = target.with_name(f".{target.name}.tmp")
    try:
        with create_hdf5(aside) as file:
            features = _features_of(source)
            n_events = _write_events(file, features, _read_steps(source, features, limit))
            if not n_events:
                raise UserError(f"{source} holds no events")
            file.attrs.update({"sample": sample, "source": source.name, "hepad_version": __version__})
        aside.replace(target)
    finally:
        aside.unlink(missing_ok=True)
    return Converted(n_events, tuple(name for name in JET_FEATURES if name not in features))


def _write_events(file: h5py.File, features: Sequence[str], steps: Iterator[tuple[NDArray[Any], NDArray[Any]]]) -> int:
    datasets = {
        name: file.create_dataset(
            name,
            (0, *shape),
            maxshape=(None, *shape),
            dtype="<f4",
            chunks=(1024, *shape),
            compression="gzip",
            shuffle=True,
        )
        for name, shape in ((JET_DATASET, (N_JETS, len(features))), (EVENT_FEATURES_DATASET, (len(_COLUMNS),)))
    }
    datasets[JET_DATASET].attrs["features"] = list(features)
    datasets[EVENT_FEATURES_DATASET].attrs["features"] = list(_COLUMNS)
    n_events = 0
    for step in steps:
        for dataset, rows in zip(datasets.values(), step, strict=True):
            dataset.resize(n_events + len(rows), axis=0)
            dataset[n_events:] = rows
        n_events += len(step[0])
    return n_events


def _features_of(source: Path) -> tuple[str, ...]:
    """The jet features that a file has branches for, in the order of `JET_FEATURES`."""
    with _opened(source) as tree:
        there = set(tree.keys())
    if missing := [f"Jet_{name}" for name in _NEEDED if f"Jet_{name}" not in there]:
        raise UserError(f"{source} lacks the branches {', '.join(missing)}; jets of NanoAOD have them")
    return tuple(name for name in JET_FEATURES if f"Jet_{name}" in there)


def _read_steps(
    source: Path, features: Sequence[str], limit: int | None
) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    _, ak = _libraries()
    with _opened(source) as tree:
        there = set(tree.keys())
        others = [branch for branch in ("PV_npvs", *_MET_BRANCHES) if branch in there]
        wanted = [*(f"Jet_{name}" for name in features), *others]
        for arrays in tree.iterate(wanted, step_size=_EVENTS_PER_STEP, entry_stop=limit):
            yield _jet_array(ak, arrays, features), _event_array(ak, arrays, others)


@contextmanager
def _opened(source: Path) -> Iterator[Any]:
    """The tree `Events` of a file; whatever uproot raises on a broken one is told as that."""
    uproot, _ = _libraries()
    try:
        with uproot.open(source) as root:
            if "Events" not in root or not hasattr(root["Events"], "iterate"):
                raise UserError(f"{source} has no tree 'Events'; is it NanoAOD?")
            yield root["Events"]
    except (UserError, GeneratorExit):
        raise
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        raise UserError(f"cannot read {source}: not a ROOT file, or damaged") from error
    except Exception as error:
        # A parser of what strangers wrote: uproot, awkward and the decompressors raise dozens of types here.
        raise UserError(f"cannot read {source}: not a ROOT file, or damaged ({type(error).__name__})") from error


def _jet_array(ak: ModuleType, arrays: Any, features: Sequence[str]) -> NDArray[np.float32]:
    order = ak.argsort(arrays["Jet_pt"], axis=1, ascending=False)[:, :N_JETS]
    columns = [
        ak.to_numpy(ak.fill_none(ak.pad_none(arrays[f"Jet_{name}"][order], N_JETS), 0)).astype(np.float32)
        for name in features
    ]
    return np.stack(columns, axis=-1)


def _event_array(ak: ModuleType, arrays: Any, branches: Sequence[str]) -> NDArray[np.float32]:
    n_events = len(arrays)
    met = next((branch for branch in _MET_BRANCHES if branch in branches), None)
    absent = np.zeros(n_events)
    pt, abs_eta = arrays["Jet_pt"], abs(arrays["Jet_eta"])
    counted = (pt > N_JETS_PT_MIN) & (abs_eta < N_JETS_MAX_ABS_ETA)
    in_ht = (pt > HT_JET_PT_MIN) & (abs_eta < HT_JET_MAX_ABS_ETA)
    columns = (
        ak.to_numpy(arrays["PV_npvs"]) if "PV_npvs" in branches else absent,
        ak.to_numpy(ak.sum(counted, axis=1)),
        ak.to_numpy(ak.sum(pt[in_ht], axis=1)),
        ak.to_numpy(arrays[met]) if met else absent,
    )
    return np.stack(columns, axis=-1).astype(np.float32)


def _libraries() -> tuple[ModuleType, ModuleType]:
    try:
        import awkward
        import uproot
    except ImportError as error:
        raise UserError(f'reading ROOT files needs {error.name}; install it with pip install "hepad[root]"') from error
    return uproot, awkward
