"""Methods of weak supervision as stages: what tells what apart from what, and where its scores are."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from hepad.core.errors import UserError
from hepad.run.loading import load_run
from hepad.searches.common_scale import FoldScores
from hepad.searches.runs import HIGH, LOW, SIDEBANDS, SIGNAL_REGION
from hepad.searches.sample_tables import Table, read_table, write_table
from hepad.searches.scoring import DATA, REFERENCE, MethodScores, in_region, other_scores, tested_scores
from hepad.searches.settings import Method
from hepad.searches.stages import Place
from hepad.searches.template import latent_table, log_density, make_template, normal_template


class MethodStages:
    """Stages of a method in a window.

    Attributes:
        densities: stages and directories of the densities of the side bands, one or one of each fold; none where the
            method has none.
        templates: stages and files of their templates, in the same order.
        scores: stage and file of its scores.
    """

    def __init__(self, place: Place, method: Method) -> None:
        self.place, self.method = place, method
        self.densities: list[tuple[str, Path]] = []
        self.templates: list[tuple[str, Path]] = []
        self.scores: tuple[str, Path] = _KINDS[method.kind](self)

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


def _against(sample: str, region: str | None = SIGNAL_REGION) -> list[dict[str, Any]]:
    first = {"sample": DATA, "region": SIGNAL_REGION, "label": 1}
    return [first, {"sample": sample, "region": region, "label": 0}]


def _cathode(stages: MethodStages) -> tuple[str, Path]:
    """Data against a template of the density of the side bands (Hallin et al., arXiv:2109.00546)."""
    stages.add_templates(stages.method.cross_fit)

    def files(fold: int) -> dict[str, Path]:
        return {DATA: stages.place.data, "template": stages.of_fold(stages.templates, fold)[1]}

    folds, runs = stages.add_folds(
        files, _against("template"), "template", lambda fold: [stages.of_fold(stages.templates, fold)[0]]
    )

    def collect() -> dict[str, FoldScores]:
        found = {DATA: tested_scores(runs, DATA), REFERENCE: tested_scores(runs, "template")}
        return found | stages.others(runs)

    return stages.add_scores(folds, collect)


def _idealized(stages: MethodStages) -> tuple[str, Path]:
    """Data against background that is known as such: the best that a template could do."""
    files = {DATA: stages.place.data, "extra": stages.place.files["extra"]}
    folds, runs = stages.add_folds(lambda fold: files, _against("extra"), "extra")
    extra = stages.place.samples.extra
    assert extra is not None

    def collect() -> dict[str, FoldScores]:
        known = tested_scores(runs, "extra")
        reference = in_region(known, extra[:, -1], stages.window())
        return {DATA: tested_scores(runs, DATA), REFERENCE: reference, "extra": known} | stages.others(runs, ["extra"])

    return stages.add_scores(folds, collect)


def _supervised(stages: MethodStages) -> tuple[str, Path]:
    """Signal against background, both known as such: the best that any method could do."""
    files = {"held_out": stages.place.files["held_out"], "extra": stages.place.files["extra"]}
    roles = [
        {"sample": "held_out", "region": SIGNAL_REGION, "label": 1},
        {"sample": "extra", "region": SIGNAL_REGION, "label": 0},
    ]
    folds, runs = stages.add_folds(lambda fold: files, roles, "extra")
    extra = stages.place.samples.extra
    assert extra is not None

    def collect() -> dict[str, FoldScores]:
        known = tested_scores(runs, "extra")
        reference = in_region(known, extra[:, -1], stages.window())
        data = other_scores(runs, stages.place.table)
        return {DATA: data, REFERENCE: reference, "extra": known, "held_out": tested_scores(runs, "held_out")}

    return stages.add_scores(folds, collect)


def strip_weights(place: Place, strips: float) -> dict[str, float]:
    """Return factors with which the strips below and above a window weigh the same, and 1 on average.

    By the observable alone: a public implementation compares another, standardised column with the end of the window
    (docs/searches.md).
    """
    window, reach = place.window, strips * (place.window.high - place.window.low)
    (low, _), (_, high) = window.sidebands
    counts = {
        LOW: place.count(max(low, window.low - reach), window.low),
        HIGH: place.count(window.high, min(high, window.high + reach)),
    }
    for side, count in counts.items():
        if not count:
            raise UserError(
                f"no entry of {place.sample} lies in the strip {'below' if side == LOW else 'above'} "
                f"[{window.low:g},{window.high:g}]; choose wider strips or another window"
            )
    return {side: sum(counts.values()) / (2 * count) for side, count in counts.items()}


def _cwola(stages: MethodStages) -> tuple[str, Path]:
    """The window against strips beside it (Collins, Howe and Nachman, arXiv:1805.02664)."""
    place, strips = stages.place, stages.method.strips
    weights = strip_weights(place, strips)
    roles: list[dict[str, Any]] = [{"sample": DATA, "region": SIGNAL_REGION, "label": 1}]
    roles += [{"sample": DATA, "region": side, "label": 0, "weight": weight} for side, weight in weights.items()]
    folds, runs = stages.add_folds(lambda fold: {DATA: place.data}, roles, DATA, strips=strips)
    reach = strips * (place.window.high - place.window.low)
    low, high = stages.window()

    def collect() -> dict[str, FoldScores]:
        data = tested_scores(runs, DATA)
        reference = in_region(data, place.table[:, -1], (low - reach, low), (high, high + reach))
        return {DATA: data, REFERENCE: reference} | stages.others(runs)

    return stages.add_scores(folds, collect)


def _score(stages: MethodStages) -> tuple[str, Path]:
    """The score of a model that learns the side bands without labels, such as an autoencoder or a flow."""
    place = stages.place
    roles = [{"sample": DATA, "region": SIDEBANDS}]
    folds, runs = stages.add_folds(lambda fold: {DATA: place.data}, roles, DATA)

    def collect() -> dict[str, FoldScores]:
        data = tested_scores(runs, DATA)
        reference = in_region(data, place.table[:, -1], *place.window.sidebands)
        return {DATA: data, REFERENCE: reference} | stages.others(runs)

    return stages.add_scores(folds, collect)


def _anode(stages: MethodStages) -> tuple[str, Path]:
    """Ratio of two densities, of the window and of the side bands (Nachman and Shih, arXiv:2001.04990).

    Each is a density in raw units with the Jacobian of its own coordinates. That of the side bands has seen no entry of
    the window, the only ones that have a score.
    """
    place = stages.place
    stages.add_templates(cross_fit=False)
    (stage, path), (_, outer) = stages.templates[0], stages.densities[0]
    roles = [{"sample": DATA, "region": SIGNAL_REGION}]
    folds, runs = stages.add_folds(
        lambda fold: {DATA: place.data}, roles, DATA, lambda fold: (), context=[place.samples.observable]
    )
    low, high = stages.window()

    def collect() -> dict[str, FoldScores]:
        template, _ = read_table(path)
        data = _ratio(place.table, runs, outer, tested_scores(runs, DATA))
        known = {REFERENCE: template, "extra": place.samples.extra, "held_out": place.samples.held_out}
        others = {name: _ratio(table, runs, outer) for name, table in known.items() if table is not None}
        return {DATA: in_region(data, place.table[:, -1], (low, high)), **others}

    return stages.add_scores([stage, *folds], collect)


def _ratio(table: Table, runs: Sequence[Path], outer: Path, tested: FoldScores | None = None) -> FoldScores:
    """Return ln p_in − ln p_out; p_in is that of the fold that has not seen the entry, or of every K-th row's."""
    fold = np.arange(len(table)) % len(runs)
    if tested is not None:
        fold[tested.row] = tested.fold
    score = -log_density(load_run(outer).model, table)
    for number, directory in enumerate(runs):
        here = fold == number
        score[here] += log_density(load_run(directory).model, table[here])
    return FoldScores(np.arange(len(table)), fold, score)


def _lacathode(stages: MethodStages) -> tuple[str, Path]:
    """CATHODE in the latent space of the flow, where background follows no mass (Hallin et al., arXiv:2210.14924)."""
    place, method = stages.place, stages.method
    stages.add_densities(method.cross_fit)
    names = tuple(f"z{i}" for i in range(len(place.samples.features)))
    columns = (*names, place.samples.observable)
    low, high = stages.window()
    latent: list[tuple[str, Path]] = []
    for number, (stage, directory) in enumerate(stages.densities):

        def make(path: Path, key: str, directory: Path = directory) -> None:
            write_table(path, latent_table(load_run(directory).model, place.table), columns, key)

        latent.append(place.stages.file(f"{place.name}-latent{number}", ".h5", [], [stage], make))

    def draw(path: Path, key: str) -> None:
        n = method.oversample * place.count(low, high)
        mass = place.table[:, -1].astype(np.float64)
        write_table(path, normal_template(len(names), mass, place.window, n, place.settings.seed), columns, key)

    normal, normal_file = place.stages.file(f"{place.name}-normal", ".h5", [method.oversample], [place.prepared], draw)

    def files(fold: int) -> dict[str, Path]:
        return {DATA: stages.of_fold(latent, fold)[1], "template": normal_file}

    folds, runs = stages.add_folds(
        files, _against("template"), "template", lambda fold: [stages.of_fold(latent, fold)[0], normal], features=names
    )

    def in_latent(table: Table) -> FoldScores:
        """Return scores of entries that no fold trains on, each by the flow and the classifier of a fold."""
        fold = np.arange(len(table)) % len(runs)
        score = np.zeros(len(table))
        for number, directory in enumerate(runs):
            here = fold == number
            model = load_run(stages.of_fold(stages.densities, number)[1]).model
            score[here] = load_run(directory).score(latent_table(model, table[here])[:, :-1])
        return FoldScores(np.arange(len(table)), fold, score)

    def collect() -> dict[str, FoldScores]:
        known = {"extra": place.samples.extra, "held_out": place.samples.held_out}
        others = {name: in_latent(table) for name, table in known.items() if table is not None}
        return {DATA: tested_scores(runs, DATA), REFERENCE: tested_scores(runs, "template")} | others

    return stages.add_scores([*(stage for stage, _ in stages.densities), *folds], collect)


_KINDS: Final[dict[str, Callable[[MethodStages], tuple[str, Path]]]] = {
    "cathode": _cathode,
    "idealized": _idealized,
    "supervised": _supervised,
    "cwola": _cwola,
    "score": _score,
    "anode": _anode,
    "lacathode": _lacathode,
}
