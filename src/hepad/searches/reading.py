"""Samples as a search reads them: features, the observable, truth where the file has it, and identifiers of events."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hepad.config import RunConfig
from hepad.config.registry import check_targets, instantiate
from hepad.core.errors import UserError
from hepad.core.hdf5 import has_dataset, open_hdf5
from hepad.data import AnomalyDataModule
from hepad.data.observed import read_observable
from hepad.searches.sample_checks import (
    IDENTIFIERS,
    TRUTH,
    check_context,
    check_features,
    check_hidden_truth,
    check_weights,
)
from hepad.searches.sample_tables import Table

_MADE_ANEW: Final = ("train", "regions", "folds", "fold", "contamination", "targets", "half")


@dataclass(frozen=True)
class Sample:
    """Entries of one file.

    Attributes:
        file: that they are from.
        table: features, then the observable.
        row: of each in the file, int64.
        truth: which are signal; None where the file does not say.
        identifiers: `run`, `lumi`, `event`, where the file has them.
    """

    file: Path
    table: Table
    row: NDArray[np.int64]
    truth: NDArray[np.bool_] | None
    identifiers: Mapping[str, NDArray[np.float64]]

    def __len__(self) -> int:
        return len(self.table)

    @property
    def mass(self) -> NDArray[np.float64]:
        """The observable."""
        values: NDArray[np.float64] = self.table[:, -1].astype(np.float64)
        return values


class SampleReader:
    """Reader of the samples of a search.

    Args:
        cfg: of the command; its section `data` says what an entry is.

    Attributes:
        files: sample → file.
        background: name of the sample that the section calls so.
        observable: that is scanned.

    Raises:
        UserError: data of another kind than rows of columns, or no single observable.
    """

    def __init__(self, cfg: RunConfig) -> None:
        check_targets(cfg.data)
        self._settings: dict[str, Any] = cfg.data.plain() | dict.fromkeys(_MADE_ANEW)
        context = self._settings.get("context") or []
        self.observable = check_context(context)
        module: AnomalyDataModule = instantiate(self._with_background())
        if module.structure != "vector" or "features" not in self._settings:
            raise UserError(f"a search takes rows of named columns (data=table, dijets, lhco), not {module.kind}")
        self.files = dict(module.files)
        self.background = str(self._settings["background"])
        self.truth_name = str(self._settings.get("truth") or TRUTH)
        features = self._settings.get("features")
        self.features: tuple[str, ...] = tuple(features or ())
        if features is not None:
            check_features(features, self.observable, self.truth_name)

    def _with_background(self) -> dict[str, Any]:
        """Return the section with a background that is there: what is searched may be called otherwise."""
        named = [name for name, file in self._settings["samples"].items() if file is not None]
        if self._settings["background"] in named or self._settings.get("bundled"):
            return self._settings
        return self._settings | {"background": named[0]} if named else self._settings

    def read(self, name: str) -> Sample:
        """Read one sample; the first one that is read says what the features are, where `data.features` does not.

        Raises:
            UserError: no such sample, a truth among its features, weights, or values that are not finite.
        """
        if name not in self.files:
            raise UserError(f"{name} is not a sample; allowed: {', '.join(sorted(self.files))}")
        path = self.files[name]
        wanted = {"samples": {name: str(path)}, "bundled": False, "background": name}
        module: AnomalyDataModule = instantiate(
            self._settings | wanted | ({"features": list(self.features)} if self.features else {})
        )
        if not self.features:
            kept = [name for name in module.feature_names if name not in IDENTIFIERS]
            check_features(kept, self.observable, self.truth_name)
            self.features = tuple(kept)
            return self.read(name)
        entries = module.read_sample(name, path, module.limit_of(name))
        weight = entries.batch.weight
        check_weights(path, weight is None or bool((weight == 1).all()))
        assert entries.batch.context is not None
        x = entries.batch.x.numpy()
        table = np.concatenate([x, entries.batch.context.numpy()], axis=1).astype(np.float32)
        if entries.truth is None:
            check_hidden_truth(path, zip(self.features, x.T, strict=True))
        return Sample(
            path, table, entries.index, entries.truth, self._identifiers(path, entries.observables, entries.index)
        )

    @staticmethod
    def _identifiers(
        path: Path, observables: Mapping[str, NDArray[np.float64]], index: NDArray[np.int64]
    ) -> dict[str, NDArray[np.float64]]:
        found = {name: observables[name] for name in IDENTIFIERS if name in observables}
        with open_hdf5(path) as file:
            for name in IDENTIFIERS:
                if name not in found and has_dataset(file, name) and len(file[name].shape) == 1:
                    values = read_observable(file, name, file[name].shape[0], index)
                    found |= {} if values is None else {name: values}
        return found
