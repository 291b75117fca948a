"""Scores of ragged jets: slots filled by falling pT for events, ragged again for single jets."""

import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from hepad.columnar.wanted_columns import WantedColumns, wanted_columns
from hepad.core.errors import UserError
from hepad.run.loading import Run, load_run

_DASK: Final = "dask_awkward"


def score_jets(run: Run | str | Path, jets: Any, names: Mapping[str, str] | None = None, device: str = "auto") -> Any:
    """Return the anomaly scores of jets in columns; higher is more anomalous.

    The scores equal those that `hepad.score` gives to the converted file: of events, slots are filled by falling pT,
    the jets beyond the last slot are left out, and what remains is padded. Of single jets every one is scored, also
    those beyond the slots of such a file.

    Args:
        run: a run of jets or of events, or its directory, which Dask's workers must reach.
        jets: `events * var * {pt, eta, …}`, such as `events.Jet` of coffea's NanoEvents, as awkward has them at once
            or virtually, or `dask_awkward` lazily. Only the columns that the run needs are read.
        names: feature of the run → field of the jets, where they have another name.
        device: where to compute, see `Run.score`.

    Returns:
        Of a run of events one score for each event, of a run of jets one for each jet, ragged as they are; float32.
        Of lazy jets what will be so when it is computed.

    Raises:
        UserError: jets of another depth, with missing values, or without a feature of the run.

    >>> import awkward as ak
    >>> from hepad.columnar import score_jets
    >>> from hepad.core.errors import UserError
    >>> try:
    ...     score_jets("no_such_run", ak.Array([[{"pt": 50.0}]]))
    ... except UserError as error:
    ...     print(error)
    no_such_run is not a run: it has no config.yaml
    """
    found = run if isinstance(run, Run) else _loaded(str(Path(run).expanduser().resolve()), str(run))
    if not hasattr(jets, "fields") or not hasattr(jets, "ndim"):
        raise UserError(f"jets of the type {type(jets).__name__}; awkward or dask_awkward arrays are needed")
    if jets.ndim != 2 or not jets.fields:
        raise UserError(f"jets of {_depth(jets)}; jets of events are needed, events * var * {{pt, eta, …}}")
    columns = wanted_columns(found, jets.fields, names)
    if _DASK in sys.modules and isinstance(jets, sys.modules[_DASK].Array):
        scorer = _LazyScorer(str(found.directory.resolve()), found.checkpoint_sha256, columns, device)
        return sys.modules[_DASK].map_partitions(scorer, jets, label="hepad-score")
    return _scores(found, jets, columns, device)


class _LazyScorer:
    """Scores of one partition, on whichever worker has it; each loads the run once.

    Args:
        directory: of the run.
        checkpoint_sha256: of the weights that were asked for.
        columns: what is read.
        device: where to compute.
    """

    def __init__(self, directory: str, checkpoint_sha256: str, columns: WantedColumns, device: str) -> None:
        self.directory = directory
        self.checkpoint_sha256 = checkpoint_sha256
        self.columns = columns
        self.device = device

    def __dask_tokenize__(self) -> tuple[Any, ...]:
        return "hepad-score", self.directory, self.checkpoint_sha256, self.columns, self.device

    def __call__(self, jets: Any) -> Any:
        if ak.backend(jets) == "typetracer":
            return _of_a_form(jets, self.columns)
        run = _loaded(self.directory, self.directory)
        if run.checkpoint_sha256 != self.checkpoint_sha256:
            raise UserError(f"{self.directory} has other weights than when its scores were asked for; ask again")
        return _scores(run, jets, self.columns, self.device)


@lru_cache(maxsize=4)
def _loaded(directory: str, told: str) -> Run:
    try:
        return load_run(directory)
    except UserError as error:
        raise UserError(str(error).replace(directory, told)) from error


def _of_a_form(jets: Any, columns: WantedColumns) -> Any:
    """Return what the scores will be, of jets without values; name the columns that are read, and no others."""
    ak.typetracer.touch_data(_read(jets, columns))
    first = jets[columns.fields[0]]
    if columns.slots is None:
        return _plain(ak.values_astype(first, np.float32))
    return _plain(ak.values_astype(ak.num(first, axis=1), np.float32))


def _scores(run: Run, jets: Any, columns: WantedColumns, device: str) -> Any:
    read = _read(jets, columns)
    if _is_missing(read):
        raise UserError("some jets, or events, are None; leave them out with ak.drop_none(…)")
    counts = np.asarray(ak.num(read[columns.fields[0]], axis=1))
    flat = np.stack([_numbers(ak.flatten(read[name], axis=1)) for name in columns.fields], axis=-1)
    if columns.slots is None:
        return ak.unflatten(ak.Array(run.score(flat, device=device)), counts)
    event = np.repeat(np.arange(len(counts)), counts)
    place = np.arange(len(event)) - np.repeat(np.cumsum(counts) - counts, counts)
    if columns.by is not None:
        # Jets of one pT stay in their order, as where files are converted.
        flat = flat[np.lexsort((place, -_numbers(ak.flatten(read[columns.by], axis=1)), event))]
    entries = np.zeros((len(counts), columns.slots, len(columns.fields)), dtype=np.float32)
    inside = place < columns.slots
    entries[event[inside], place[inside]] = flat[inside]
    real = np.arange(columns.slots) < counts[:, None]
    return ak.Array(run.score(entries, mask=real if columns.told_by_mask else None, device=device))


def _read(jets: Any, columns: WantedColumns) -> Any:
    """The columns that are needed, as a plain record: what coffea's jets can do besides is not needed."""
    return ak.zip({name: _plain(jets[name]) for name in columns.needed}, depth_limit=2)


def _plain(array: Any) -> Any:
    return ak.without_parameters(array, behavior={})


def _is_missing(array: Any) -> bool:
    return any(bool(ak.any(ak.is_none(array[name], axis=axis))) for name in array.fields for axis in (0, 1))


def _numbers(array: Any) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        return np.asarray(ak.to_numpy(array), dtype=np.float32)


def _depth(jets: Any) -> str:
    if not jets.fields:
        return f"depth {jets.ndim} without fields"
    return {1: "depth 1, one jet in each row"}.get(jets.ndim, f"depth {jets.ndim}")
