"""Methods of weak supervision as stages: what tells what apart from what, and where its scores are."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from hepad.core.errors import UserError
from hepad.searches.common_scale import FoldScores
from hepad.searches.density_methods import anode, lacathode
from hepad.searches.method_stages import MethodStages, against
from hepad.searches.r_anode import r_anode
from hepad.searches.runs import HIGH, LOW, SIDEBANDS, SIGNAL_REGION
from hepad.searches.samples import DATA
from hepad.searches.scoring import REFERENCE, in_region, other_scores, tested_scores
from hepad.searches.settings import Method
from hepad.searches.stages import Place


def _cathode(stages: MethodStages) -> tuple[str, Path]:
    """Data against a template of the density of the side bands (Hallin et al., arXiv:2109.00546)."""
    stages.add_templates(stages.method.cross_fit)

    def files(fold: int) -> dict[str, Path]:
        return {DATA: stages.place.data, "template": stages.of_fold(stages.templates, fold)[1]}

    folds, runs = stages.add_folds(
        files, against("template"), "template", lambda fold: [stages.of_fold(stages.templates, fold)[0]]
    )

    def collect() -> dict[str, FoldScores]:
        found = {DATA: tested_scores(runs, DATA), REFERENCE: tested_scores(runs, "template")}
        return found | stages.others(runs)

    return stages.add_scores(folds, collect)


def _idealized(stages: MethodStages) -> tuple[str, Path]:
    """Data against background that is known as such: the best that a template could do."""
    files = {DATA: stages.place.data, "extra": stages.place.files["extra"]}
    folds, runs = stages.add_folds(lambda fold: files, against("extra"), "extra")
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
    folds, runs = stages.add_folds(lambda fold: files, roles, "extra", of_data=False)
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


_KINDS: Final[dict[str, Callable[[MethodStages], tuple[str, Path]]]] = {
    "cathode": _cathode,
    "idealized": _idealized,
    "supervised": _supervised,
    "cwola": _cwola,
    "score": _score,
    "anode": anode,
    "r_anode": r_anode,
    "lacathode": lacathode,
}


def stages_of(place: Place, method: Method) -> MethodStages:
    """Add a method's stages in a window, and return them."""
    stages = MethodStages(place, method)
    stages.scores = _KINDS[method.kind](stages)
    return stages
