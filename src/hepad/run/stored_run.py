"""A run as its directory has it: config, numbers, figures, the most anomalous entries; shown in a notebook."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from omegaconf import DictConfig, OmegaConf

from hepad.callbacks.top_entries import TopEntries
from hepad.config import RunConfig
from hepad.core.errors import UserError
from hepad.models import AnomalyModel
from hepad.report.picture import Picture, picture_names, read_picture
from hepad.report.run_card import run_card
from hepad.run.tested_top import tested_top
from hepad.rundir.facts import read_metrics
from hepad.rundir.record import option_of
from hepad.scores.entry_arrays import named_features

_ROC: Final = "roc"
_PLOTS: Final = "plots"


@dataclass(frozen=True, repr=False, eq=False)
class StoredRun:
    """Parts of a finished run, and what its directory tells.

    Attributes:
        directory: the run's directory.
        settings: the resolved config.
        model: the model in eval mode, on the CPU; of an ensemble the mean of its members.
        checkpoint_sha256: of its checkpoint; of an ensemble, of those of its members, one after the other.
        trained_in: the directory whose provenance tells of the training; of an ensemble its first member's.
        facts: its provenance.
    """

    directory: Path
    settings: RunConfig
    model: AnomalyModel
    checkpoint_sha256: str
    trained_in: Path
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def config(self) -> DictConfig:
        """The resolved config as OmegaConf has it, to be read: it cannot be changed."""
        config = OmegaConf.create(self.settings.plain())
        OmegaConf.set_readonly(config, True)
        return config

    @property
    def entry_shape(self) -> tuple[int, ...]:
        """Shape of one entry that `score` takes."""
        return self.model.entry_shape

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """Names of the features of one entry, in order; None for images."""
        return named_features(self.facts)

    @property
    def features(self) -> tuple[str, ...] | None:
        """The same as `feature_names`."""
        return self.feature_names

    @property
    def context_names(self) -> tuple[str, ...]:
        """Names of the observables that the model is conditioned on, in order."""
        return tuple(self.settings.data.get("context") or ())

    @property
    def background(self) -> str:
        """Sample that the run was trained on, or that signals are compared with where roles say more."""
        return str(self.facts.get("background") or self.settings.data.background)

    @property
    def metrics(self) -> dict[str, float]:
        """Numbers of metrics.json, flat name → number (docs/metrics.md).

        Raises:
            UserError: the file is damaged, or the run's directory is gone.
        """
        self._require_directory()
        return read_metrics(self.directory)

    @property
    def plots(self) -> tuple[str, ...]:
        """Names of the figures that `plot` shows; none where the run drew none (`evaluation.plots=false`)."""
        return picture_names(self.directory / _PLOTS)

    def plot(self, name: str = _ROC) -> Picture:
        """Return a figure of the run as it stands in the report; a notebook shows it, and `path` is its file.

        Args:
            name: one of `plots`; of those against the run's own background also without its end, as `roc` and `sic`.

        Raises:
            UserError: there is no such figure.
        """
        self._require_directory()
        full = f"{name}_vs_{self.background}"
        return read_picture(self.directory / _PLOTS, full if full in self.plots else name)

    def top(self, n: int = 20) -> TopEntries:
        """Return the `n` most anomalous of all tested entries: where they are, their scores and p-values, and why.

        Raises:
            UserError: fewer than one, or files that are gone or have changed.
        """
        if n < 1:
            raise UserError(f"top({n}): one entry or more is needed")
        self._require_directory()
        return tested_top(self.directory, self.settings, self.model, self.facts, n)[1]

    def _require_directory(self) -> None:
        if not self.directory.is_dir():
            raise UserError(f"{self.directory} is gone, and with it the numbers, scores and figures of the run")

    @property
    def _title(self) -> str:
        model, data = option_of("model", self.settings.model), option_of("data", self.settings.data)
        return f"{model} on {data}"

    def __repr__(self) -> str:
        return f"Run({self._title}, {self.directory})"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: names, AUC beside the best trivial score, and the ROC curves."""
        drawn = f"{_ROC}_vs_{self.background}" in self.plots
        metrics = read_metrics(self.directory) if self.directory.is_dir() else {}
        return run_card(self._title, str(self.directory), self.background, metrics, self.plot(_ROC) if drawn else None)
