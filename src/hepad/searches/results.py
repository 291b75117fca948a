"""Results of a method: from its scores to counts, p-values, closure and performance in each window."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hepad.data.split import fold_numbers
from hepad.run.loading import load_run
from hepad.searches.closure import template_closure
from hepad.searches.common_scale import FoldScores, background_shares
from hepad.searches.cuts import Passed, fitted_cut, template_cut, with_limits
from hepad.searches.excess import excess_entries, template_columns
from hepad.searches.method_stages import MethodStages
from hepad.searches.performance import performance
from hepad.searches.r_anode import signal_found
from hepad.searches.record import Closure, CutResult, MethodResult, Performance, WindowResult
from hepad.searches.runs import OF_DENSITIES
from hepad.searches.sample_tables import Table, read_arrays, read_table
from hepad.searches.samples import DATA
from hepad.searches.scoring import REFERENCE, MethodScores
from hepad.searches.template import sample_given
from hepad.searches.toys import WindowFindings, with_toys
from hepad.searches.windows import bin_edges
from hepad.stats.fits import BackgroundFit


def window_findings(stages: MethodStages) -> WindowFindings:
    """Return what the scores of a method say in a window; the stages before are done."""
    place = stages.place
    settings, samples, window = place.settings, place.samples, place.window
    scores = MethodScores.read(stages.scores[1])
    references = scores.references()
    table, n = place.table, len(place.table)
    mass = table[:, -1].astype(np.float64)
    data = scores.samples[DATA]
    share = data.of_rows(n, background_shares(data, references))
    of_reference = background_shares(scores.samples[REFERENCE], references)
    truth = _truth(stages)
    edges = bin_edges(window, samples.scan)
    cuts: list[CutResult] = []
    fits: dict[float, BackgroundFit] = {}
    passed = None
    # A ratio of densities means something in the window alone: its background is the template's.
    inside_only = stages.method.kind in ("anode", "r_anode")
    for efficiency in settings.cuts:
        passes = np.ones(n, dtype=bool) if efficiency == 1 else np.nan_to_num(share, nan=2.0) <= efficiency
        passed = Passed(efficiency, mass, passes, window, edges)
        signal = None if truth is None else int((passes & truth & passed.inside).sum())
        if efficiency < 1 and (inside_only or settings.background == "template"):
            found = template_cut(
                passed, of_reference <= efficiency, len(references), settings.systematic, signal, not inside_only
            )
        else:
            found, fit = fitted_cut(passed, settings.fit, signal)
            if fit is not None:
                fits[efficiency] = fit
        cuts.append(with_limits(found) if settings.limits else found)
    assert passed is not None
    names = (*samples.features, samples.observable)
    identity = read_arrays(place.files["identity"], ["row", *(name for name in samples.identity if name != "row")])
    known = share if place.sample == "data" else np.full(n, np.nan)
    chosen = passed.inside & passed.passes & np.isfinite(known)
    template: dict[str, list[float]] = {}
    if stages.templates:
        chosen_reference = of_reference <= passed.efficiency
        template = template_columns(_template_rows(stages, scores.samples[REFERENCE], chosen_reference), names)
    result = WindowResult(
        window=window.name,
        cuts=cuts,
        closure=None if place.sample != "data" else _closure(stages),
        performance=_performance(stages, scores, share, references, truth),
        found=excess_entries(table, known, chosen, names, identity) if place.sample == "data" else {},
        template_features=template if place.sample == "data" else {},
        signal_model=signal_found(stages, truth) if place.sample == "data" else None,
    )
    return WindowFindings(result, fits)


def _template_rows(stages: MethodStages, reference: FoldScores, chosen: NDArray[np.bool_]) -> Table:
    """Return the chosen entries of the templates."""
    parts = []
    for number, (_, path) in enumerate(stages.templates):
        own = chosen & (reference.fold == number) if len(stages.templates) > 1 else chosen
        parts.append(read_table(path)[0][reference.row[own]])
    return np.concatenate(parts)


def _truth(stages: MethodStages) -> NDArray[np.bool_] | None:
    """Return which of the data are signal; read only where the search is unblinded."""
    place = stages.place
    if not place.settings.unblind or place.sample != "data" or "truth" not in place.files:
        return None
    label: NDArray[np.bool_] = read_arrays(place.files["truth"], ["label"])["label"].astype(bool)
    return label


def _performance(
    stages: MethodStages,
    scores: MethodScores,
    share: NDArray[np.float64],
    references: dict[int, NDArray[np.float64]],
    truth: NDArray[np.bool_] | None,
) -> Performance | None:
    if truth is None:
        return None
    place = stages.place
    low, high = place.window.low, place.window.high
    mass = place.table[:, -1]
    inside = (low <= mass) & (mass < high) & np.isfinite(share)
    background, signal = [share[inside & ~truth]], [share[inside & truth]]
    for name, table, into in (("extra", place.samples.extra, background), ("held_out", place.samples.held_out, signal)):
        if name in scores.samples and table is not None:
            found = scores.samples[name]
            chosen = (low <= table[found.row, -1]) & (table[found.row, -1] < high)
            into.append(background_shares(found, references)[chosen])
    return performance(-np.log10(np.concatenate(background)), -np.log10(np.concatenate(signal)))


def _closure(stages: MethodStages) -> Closure | None:
    """Return how a template compares with background that is known as such, else with the side bands."""
    place = stages.place
    if not stages.templates:
        return None
    features, seed = place.samples.features, place.settings.seed
    low, high = place.window.low, place.window.high
    extra = place.samples.extra
    if extra is not None:
        target = extra[(low <= extra[:, -1]) & (extra[:, -1] < high)]
        template = np.concatenate([read_table(path)[0] for _, path in stages.templates])
        return template_closure(template[:, :-1], target[:, :-1], features, "extra background", seed)
    mass = place.table[:, -1]
    beside = np.logical_or.reduce([(start <= mass) & (mass < stop) for start, stop in place.window.sidebands])
    # Those that the first density, or the only one, has not seen: what it knows too well it draws too well.
    folds = place.settings.folds if len(stages.densities) > 1 else OF_DENSITIES
    beside &= fold_numbers(len(place.table), folds) == 0
    target = place.table[beside]
    made = sample_given(load_run(stages.densities[0][1]).model, target[:, -1].astype(np.float64), seed)
    return template_closure(made, target[:, :-1], features, "side bands", seed)


def method_result(name: str, windows: Sequence[MethodStages]) -> MethodResult:
    """Return the results of a method in all windows; the stages before are done.

    Args:
        name: of the method.
        windows: its stages in each.
    """
    settings = windows[0].place.settings
    found = with_toys([window_findings(stages) for stages in windows], settings.fit, settings.toys, settings.seed)
    return MethodResult(name, found.windows, found.p_global, found.toys)
