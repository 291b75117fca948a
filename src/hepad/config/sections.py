"""Sections of a run's config as typed objects: read like mappings, and never changed."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from hepad.core.inputs import Given

_SYMMETRY_ENTRIES: Final = 500


@dataclass(frozen=True, eq=False)
class Component(Mapping[str, Any]):
    """A section that names a class: what to build, and the arguments it is built with.

    It is read like a mapping; the values are copies, so that nobody can change the config through them.

    Args:
        section: the section as plain values, `_target_` included.

    >>> from hepad.config.sections import Component
    >>> model = Component({"_target_": "hepad.models.DenseAutoencoder", "latent": 8})
    >>> model.target, model["latent"], model.get("dropout", 0.0)
    ('hepad.models.DenseAutoencoder', 8, 0.0)
    """

    section: Mapping[str, Any]

    @property
    def target(self) -> str:
        """Name of the class."""
        return str(self.section["_target_"])

    def plain(self) -> dict[str, Any]:
        """Return the section as plain values, to be changed by whoever asked."""
        return copy.deepcopy(dict(self.section))

    def __getitem__(self, key: str) -> Any:
        return copy.deepcopy(self.section[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self.section)

    def __len__(self) -> int:
        return len(self.section)


class DataConfig(Component):
    """The section `data`: the keys that every datamodule has."""

    @property
    def samples(self) -> dict[str, Given | None]:
        """Sample → file, glob, several, or such for each part; None for a bundled one that is left out."""
        return dict(self.section.get("samples") or {})

    @property
    def background(self) -> str:
        """Sample trained on, unless `data.train` says more."""
        return str(self.section["background"])

    @property
    def bundled(self) -> bool:
        """True where the bundled samples are read too."""
        return bool(self.section.get("bundled", True))

    @property
    def format(self) -> str | None:
        """Preset by which files of a public format are read."""
        found = self.section.get("format")
        return None if found is None else str(found)

    @property
    def batch_size(self) -> int:
        """Entries of a training batch."""
        return int(self.section["batch_size"])

    @property
    def targets(self) -> str | None:
        """File of the scores that a student learns."""
        found = self.section.get("targets")
        return None if found is None else str(found)

    @property
    def folds(self) -> int | None:
        """Number of folds; None for one split."""
        found = self.section.get("folds")
        return None if found is None else int(found)

    @property
    def fold(self) -> int | None:
        """Number of the fold whose entries are tested; None for all, one run each."""
        found = self.section.get("fold")
        return None if found is None else int(found)

    def limit_of(self, sample: str) -> int | None:
        """Return how many entries of a sample are read at most; None for all."""
        limit = self.section.get("limit")
        found = limit.get(sample) if isinstance(limit, Mapping) else limit
        return None if found is None else int(found)


class TrainerConfig(Component):
    """The section `trainer`: the arguments of Lightning's trainer that hepad reads itself."""

    @property
    def max_epochs(self) -> int:
        """Passes over the training entries."""
        return int(self.section["max_epochs"])

    @property
    def check_val_every_n_epoch(self) -> int:
        """Epochs from one validation to the next."""
        return int(self.section["check_val_every_n_epoch"])

    @property
    def strategy(self) -> str:
        """Name of Lightning's strategy for several devices."""
        return str(self.section.get("strategy", "auto"))

    @property
    def num_nodes(self) -> int:
        """Number of machines that train together."""
        return int(self.section.get("num_nodes") or 1)


@dataclass(frozen=True)
class EvaluationConfig:
    """The section `evaluation`: what is computed and drawn once the scores are there.

    Args:
        references: background sides of the ROC curves; None for the usual ones that are there.
        fprs: working points, false-positive rates in (0, 1], as they are written: metrics are named by them.
        plots: draw the figures.
        formats: of the figures' files.
        symmetry_entries: images of each sample that are scored under rotations and mirrors.
        sculpting: observables whose spectrum is shown at cuts.
    """

    references: tuple[str, ...] | None
    fprs: tuple[float, ...]
    plots: bool
    formats: tuple[str, ...]
    symmetry_entries: int
    sculpting: tuple[str, ...] = ()

    @classmethod
    def of(cls, section: Mapping[str, Any]) -> Self:
        """Read a section; a config stored before a key was there has its default."""
        references, formats = section.get("references"), section.get("formats")
        return cls(
            references=None if references is None else tuple(map(str, references)),
            fprs=tuple(section["fprs"]),
            plots=bool(section.get("plots", True)),
            formats=("png",) if formats is None else tuple(map(str, formats)),
            symmetry_entries=int(section.get("symmetry_entries", _SYMMETRY_ENTRIES)),
            sculpting=tuple(map(str, section.get("sculpting") or ())),
        )


@dataclass(frozen=True)
class DecorrelateConfig:
    """The section `decorrelate`: the observable that scores should not follow.

    Args:
        variable: its name.
        weight: of the penalty; 0 for none.
        planing: training entries are weighted such that it is flat.
    """

    variable: str
    weight: float
    planing: bool

    @classmethod
    def of(cls, section: Mapping[str, Any] | None) -> Self | None:
        """Read a section; None where no variable is named, or the config is older than the section."""
        if not section or section.get("variable") is None:
            return None
        return cls(str(section["variable"]), float(section.get("weight", 0.0)), bool(section.get("planing", False)))
