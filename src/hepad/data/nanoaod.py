"""CMS NanoAOD to hepad's HDF5."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from hepad import __version__
from hepad.errors import UserError
from hepad.hdf5 import create_hdf5
from hepad.schema import (
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
_MET_BRANCHES: Final = ("MET_pt", "PuppiMET_pt", "PFMET_pt")


def convert_nanoaod(source: Path, target: Path, sample: str, limit: int | None = None) -> int:
    """Write the jets of a NanoAOD file as `jet_event_data` and `event_features`; return the number of events.

    The 8 leading jets by pT of each event are kept, in GeV, columns as in `JET_FEATURES`. Event features are the
    number of primary vertices, `n_jets` and `ht` as `hepad.schema` defines them for every file, and MET (GeV).
    Memory is bounded by the step, not by the file. The target appears when it is whole.

    Args:
        source: a ROOT file with the tree `Events` (CMS NanoAOD).
        target: the HDF5 file to write.
        sample: the sample's name, kept as an attribute.
        limit: at most this many events.

    Raises:
        UserError: the file cannot be read, or it lacks a branch.
    """
    aside = target.with_name(f".{target.name}.tmp")
    try:
        with create_hdf5(aside) as file:
            n_events = _write_events(file, _read_steps(source, limit))
            if not n_events:
                raise UserError(f"{source} holds no events")
            file.attrs.update({"sample": sample, "source": source.name, "hepad_version": __version__})
        aside.replace(target)
    finally:
        aside.unlink(missing_ok=True)
    return n_events


def _write_events(file: h5py.File, steps: Iterator[tuple[NDArray[Any], NDArray[Any]]]) -> int:
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
        for name, shape in ((JET_DATASET, (N_JETS, len(JET_FEATURES))), (EVENT_FEATURES_DATASET, (len(_COLUMNS),)))
    }
    datasets[JET_DATASET].attrs["features"] = list(JET_FEATURES)
    datasets[EVENT_FEATURES_DATASET].attrs["features"] = list(_COLUMNS)
    n_events = 0
    for step in steps:
        for dataset, rows in zip(datasets.values(), step, strict=True):
            dataset.resize(n_events + len(rows), axis=0)
            dataset[n_events:] = rows
        n_events += len(step[0])
    return n_events


def _read_steps(source: Path, limit: int | None) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    uproot, ak = _libraries()
    try:
        root = uproot.open(source)
    except (OSError, ValueError, AssertionError) as error:
        raise UserError(f"cannot read {source}: not a ROOT file, or damaged") from error
    with root:
        if "Events" not in root:
            raise UserError(f"{source} has no tree 'Events'; is it NanoAOD?")
        tree = root["Events"]
        there = set(tree.keys())
        jets = [f"Jet_{name}" for name in JET_FEATURES]
        if missing := [branch for branch in jets if branch not in there]:
            raise UserError(f"{source} lacks the branches {', '.join(missing)}; NanoAOD v6 to v9 has them")
        others = [branch for branch in ("PV_npvs", *_MET_BRANCHES) if branch in there]
        for arrays in tree.iterate([*jets, *others], step_size=_EVENTS_PER_STEP, entry_stop=limit):
            yield _jet_array(ak, arrays), _event_array(ak, arrays, others)


def _jet_array(ak: ModuleType, arrays: Any) -> NDArray[np.float32]:
    order = ak.argsort(arrays["Jet_pt"], axis=1, ascending=False)[:, :N_JETS]
    columns = [
        ak.to_numpy(ak.fill_none(ak.pad_none(arrays[f"Jet_{name}"][order], N_JETS), 0)).astype(np.float32)
        for name in JET_FEATURES
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
