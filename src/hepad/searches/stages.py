"""Stages of a search: trainings and files under names that say what they are made of, each there once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from hepad.config import RunConfig
from hepad.core.errors import UserError
from hepad.pipeline.stages import Stage, run_stage
from hepad.run.executing import TrainingResult
from hepad.searches.record import Window
from hepad.searches.runs import OF_DENSITIES, SIDEBANDS, learns_labels, placed, regions_of, run_of_words
from hepad.searches.sample_tables import is_made
from hepad.searches.samples import SearchSamples
from hepad.searches.settings import Method, Settings, key_of

Train = Callable[[RunConfig, Path], TrainingResult]

_FEWEST_IN_FOLD: Final = 10
_ANYWHERE: Final = Path("/stage")


@dataclass
class Stages:
    """Stages in their order; one that is asked for twice, by two methods say, is there once.

    Attributes:
        directory: of the search.
        settings: of the search.
        samples: that it is made of.
        train: trains a run in a directory, or goes on with it.
    """

    directory: Path
    settings: Settings
    samples: SearchSamples
    train: Train
    found: dict[str, Stage] = field(default_factory=dict)

    @property
    def place(self) -> Path:
        """Directory of the stages."""
        return self.directory / "stages"

    def run(self, name: str, config: Callable[[Path], RunConfig], needs: Sequence[str]) -> str:
        """Add a run; return the name of its stage, which ends with a hash of its config and of what it needs.

        Args:
            name: the first part of its name.
            config: makes the config for a directory.
            needs: stages whose output it reads.
        """
        # Where it lies makes no other run of it; what its samples are, the keys of the stages before it say.
        facts = config(_ANYWHERE).changed({"paths": None, "data.samples": None}).plain()
        full = f"{name}-{key_of(facts, list(needs), self.samples.key)}"
        directory = self.place / full
        if full not in self.found:
            self.found[full] = run_stage(full, directory, config(directory), self._train, tuple(needs))
        return full

    def file(
        self, name: str, suffix: str, facts: Sequence[Any], needs: Sequence[str], make: Callable[[Path, str], None]
    ) -> tuple[str, Path]:
        """Add a file; return the name of its stage and where it lies.

        Args:
            name: the first part of both.
            suffix: of the file, with its dot.
            facts: plain values that it depends on, beside what it needs.
            needs: stages whose output it reads.
            make: writes it, with the key that it should bear.
        """
        key = key_of(name, list(facts), list(needs), self.samples.key)
        full = f"{name}-{key}"
        path = self.place / f"{full}{suffix}"
        if full not in self.found:
            self.found[full] = Stage(full, path, lambda: make(path, key), lambda: is_made(path, key), tuple(needs))
        return full, path

    def add(self, stage: Stage) -> str:
        """Add any other stage."""
        self.found.setdefault(stage.name, stage)
        return stage.name

    def _train(self, config: RunConfig, directory: Path) -> TrainingResult:
        directory.parent.mkdir(exist_ok=True)
        return self.train(config, directory)


@dataclass(frozen=True)
class Place:
    """A window of one of the two searches, the one of the data and its null twin.

    Attributes:
        stages: of the search.
        window: that is searched.
        sample: `data` or `null`.
        prepared: name of the stage that writes the samples.
    """

    stages: Stages
    window: Window
    sample: str
    prepared: str

    @property
    def name(self) -> str:
        """First part of the names of its stages."""
        return self.window.name if self.sample == "data" else f"null-{self.window.name}"

    @property
    def settings(self) -> Settings:
        """Settings of the search."""
        return self.stages.settings

    @property
    def samples(self) -> SearchSamples:
        """Samples of the search."""
        return self.stages.samples

    @property
    def files(self) -> dict[str, Path]:
        """Files of all samples."""
        return self.samples.files(self.stages.directory / f"samples-{self.samples.key}")

    @property
    def data(self) -> Path:
        """File of what is searched."""
        return self.files[self.sample]

    @property
    def table(self) -> "np.ndarray[Any, np.dtype[np.float32]]":
        """Entries that are searched: features, and the observable as the last column."""
        table = getattr(self.samples, self.sample)
        assert table is not None
        return np.asarray(table)

    def count(self, low: float, high: float) -> int:
        """Return how many entries are searched between two values of the observable."""
        return int(((low <= self.table[:, -1]) & (self.table[:, -1] < high)).sum())

    def density(self, method: Method, fold: int | None = None) -> str:
        """Add the density of the side bands, p(x | observable), and return the name of its stage.

        Args:
            method: whose words it has.
            fold: of the search, whose entries it does not see; None for one that sees nearly all.
        """
        base = run_of_words((*method.density, *self.settings.words), f"methods.{method.name}.density")
        samples = self.samples
        more = {
            "train": [{"sample": "data", "region": SIDEBANDS}],
            "regions": regions_of(self.window, samples.observable),
            "context": [samples.observable],
            "folds": OF_DENSITIES if fold is None else self.settings.folds,
            "fold": fold or 0,
        }
        seed = self.settings.seed + (fold or 0)

        def config(directory: Path) -> RunConfig:
            return placed(base, directory, seed, {"data": self.data}, samples.features, "data", **more)

        return self.stages.run(f"{self.name}-density{'' if fold is None else fold}", config, [self.prepared])

    def folds(
        self,
        what: str,
        words: tuple[str, ...],
        files: Callable[[int], Mapping[str, Path]],
        features: Sequence[str],
        roles: Sequence[dict[str, Any]],
        background: str,
        needs: Callable[[int], Sequence[str]],
        strips: float | None = None,
        context: Sequence[str] | None = None,
        of_data: bool = True,
    ) -> list[str]:
        """Add a run for each fold, and return the names of their stages.

        Args:
            what: the method, which names them.
            words: of the run.
            files: fold → sample → table.
            features: columns of an entry.
            roles: `data.train`.
            background: sample that stands for it.
            needs: fold → stages whose output it reads.
            strips: as in `regions_of`.
            context: what the model is conditioned on.
            of_data: they train on what is searched; else the null twin has the same.
        """
        key = f"methods.{what}.classifier"
        base = run_of_words((*words, *self.settings.words), key)
        if "label" in roles[0] and not learns_labels(base):
            raise UserError(f"{key}: {base.model.target} learns no labels; model=classifier or model=trees does")
        regions = regions_of(self.window, self.samples.observable, strips)
        name = self.name if of_data else self.window.name
        self._check_folds(base)

        def config(fold: int, directory: Path) -> RunConfig:
            more = {"train": list(roles), "regions": regions, "folds": self.settings.folds, "fold": fold}
            return placed(
                base, directory, self.settings.seed + fold, files(fold), features, background, context=context, **more
            )

        return [
            self.stages.run(f"{name}-{what}-fold{fold}", lambda at, fold=fold: config(fold, at), needs(fold))  # type: ignore[misc]
            for fold in range(self.settings.folds)
        ]

    def _check_folds(self, base: RunConfig) -> None:
        """Raise `UserError` where a fold of the window is smaller than a batch, or has next to nothing."""
        inside = self.count(self.window.low, self.window.high)
        n_folds, batch = self.settings.folds, int(base.data["batch_size"])
        if inside < n_folds * _FEWEST_IN_FOLD:
            raise UserError(
                f"{inside} entries of {self.sample} lie in [{self.window.low:g},{self.window.high:g}], too few for "
                f"folds={n_folds}: at least {_FEWEST_IN_FOLD} in each are needed; take fewer folds or a wider window"
            )
        trained = inside * (n_folds - 1) * 3 // (4 * n_folds)
        if trained < batch and base.trainer.max_epochs > 1:
            fits = max(2, 2 ** (trained.bit_length() - 1))
            raise UserError(
                f"the folds are smaller than a batch: {trained} entries of the window [{self.window.low:g},"
                f"{self.window.high:g}] train, and data.batch_size={batch}; take a smaller batch, "
                f"words=[data.batch_size={fits}], or a wider window"
            )
