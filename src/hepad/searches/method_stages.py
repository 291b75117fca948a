"""Stages of a method in a window: densities, templates, folds, and the file of scores that it ends with."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hepad.searches.common_scale import FoldScores
from hepad.searches.runs import SIGNAL_REGION
from hepad.searches.sample_tables import write_table
from hepad.searches.samples import DATA
from hepad.searches.scoring import MethodScores, other_scores
from hepad.searches.settings import Method
from hepad.searches.stages import Place
from hepad.searches.template import make_template


class MethodStages:
    """Stages of a method in a window.

    Attributes:
        densities: stages and directories of the densities of the side bands, one or one of each fold; none where the
            method has none.
        templates: stages and files of their templates, in the same order.
        signals: stages and files of the signal that each fold has fitted; none where the method fits none.
        scores: stage and file of its scores.
    """

    def __init__(self, place: Place, method: Method) -> None:
        self.place, self.method = place, method
        self.densities: list[tuple[str, Path]] = []
        self.templates: list[tuple[str, Path]] = []
        self.signals: list[tuple[str, Path]] = []
        self.scores: tuple[str, Path] = ("", Path())

    def add_densities(self, cross_fit: bool) -> None:
        """Add the density of the side bands, or one for each fold that has not seen the entries which this tests."""
        folds: list[int | None] = [*range(self.place.settings.folds)] if cross_fit else [None]
        names = [self.place.density(self.method, fold) for fold in folds]
        self.densities = [(name, self.place.stages.place / name) for name in names]

    def add_templates(self, cross_fit: bool) -> None:
        """Add the densities and the template of each."""
        self.add_densities(cross_fit)
        place, method = self.place, self.method
        columns = (*place.samples.features, place.samples.observable)
        for number, (stage, directory) in enumerate(self.densities):
            seed = place.settings.seed + number

            def make(path: Path, key: str, directory: Path = directory, seed: int = seed) -> None:
                table = make_template(directory, place.table, place.window, method.oversample, seed)
                write_table(path, table, columns, key)

            name = f"{place.name}-template{number if cross_fit else ''}"
            self.templates.append(place.stages.file(name, ".h5", [method.oversample, seed], [stage], make))

    def of_fold(self, made: Sequence[tuple[str, Path]], fold: int) -> tuple[str, Path]:
        """Return the stage and the file that a fold reads."""
        return made[fold if len(made) > 1 else 0]

    def add_folds(
        self,
        files: Callable[[int], dict[str, Path]],
        roles: Sequence[dict[str, Any]],
        background: str,
        needs: Callable[[int], Sequence[str]] = lambda fold: (),
        **more: Any,
    ) -> tuple[list[str], list[Path]]:
        """Add the runs of all folds, which read the samples; return their stages and directories."""
        features = more.pop("features", self.place.samples.features)
        name, prepared = self.method.name, self.place.prepared
        folds = self.place.folds(
            name,
            self.method.classifier,
            files,
            features,
            roles,
            background,
            lambda fold: [prepared, *needs(fold)],
            **more,
        )
        return folds, [self.place.stages.place / fold for fold in folds]

    def add_scores(self, needs: Sequence[str], collect: Callable[[], dict[str, FoldScores]]) -> tuple[str, Path]:
        """Add the file of scores."""
        place = self.place
        return place.stages.file(
            f"{place.name}-{self.method.name}-scores", ".h5", [], needs,
            lambda path, key: MethodScores(collect()).write(path, key),
        )  # fmt: skip

    def others(self, folds: Sequence[Path], but: Sequence[str] = ()) -> dict[str, FoldScores]:
        """Return scores of background and signal that are known as such and that no fold trains on."""
        known = {"extra": self.place.samples.extra, "held_out": self.place.samples.held_out}
        return {
            name: other_scores(folds, table) for name, table in known.items() if table is not None and name not in but
        }

    def window(self) -> tuple[float, float]:
        """Return both ends of the window."""
        return self.place.window.low, self.place.window.high


def against(sample: str, region: str | None = SIGNAL_REGION) -> list[dict[str, Any]]:
    """Return the roles of data in the window against another sample there."""
    first = {"sample": DATA, "region": SIGNAL_REGION, "label": 1}
    return [first, {"sample": sample, "region": region, "label": 0}]
