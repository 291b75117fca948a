"""R-ANODE: what is in a window beside the background, by a signal density and fraction that are fitted to it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from hepad.config import RunConfig
from hepad.core.batch import Batch
from hepad.data.split import fold_numbers
from hepad.models import Flow
from hepad.run.loading import load_run
from hepad.searches.common_scale import FoldScores
from hepad.searches.method_stages import MethodStages
from hepad.searches.record import SignalModel
from hepad.searches.runs import run_of_words
from hepad.searches.sample_tables import Table, read_arrays, read_table, write_arrays
from hepad.searches.samples import DATA
from hepad.searches.scoring import REFERENCE
from hepad.searches.signal_model import Mixture, check_signal_words, fit_signal, log_mass_density
from hepad.searches.template import log_density

SIGNAL: Final = "signal"
FRACTION: Final = "fraction"

_DRAWS: Final = 2000
_VALIDATES: Final = 4
"""Every so many-th entry that a fold does not test validates."""
_BLOCK: Final = 8192


def r_anode(stages: MethodStages) -> tuple[str, Path]:
    """Fit p_D = w p_S + (1 − w) p_B to the window, and score by p_S/p_B (Das, Kasieczka, Shih, arXiv:2312.11629).

    p_B(x given m) is the density of the side bands, p_B(m) a histogram of the window. An entry is scored by the fold
    that has not seen it; each fold's signal is drawn from, to be shown.
    """
    place, method = stages.place, stages.method
    stages.add_templates(cross_fit=False)
    (template_stage, template), (density_stage, density) = stages.templates[0], stages.densities[0]
    what = f"methods.{method.name}.classifier"
    config = run_of_words((*method.classifier, *place.settings.words), what)
    check_signal_words(config, what)
    plain = config.plain()
    facts = [plain["model"], plain["optimizer"], plain["trainer"]["max_epochs"], plain["data"]["batch_size"]]
    made: list[tuple[str, Path]] = []
    for fold in range(place.settings.folds):

        def make(path: Path, key: str, fold: int = fold) -> None:
            known = {REFERENCE: read_table(template)[0], "extra": place.samples.extra}
            _fit_fold(stages, config, density, {**known, "held_out": place.samples.held_out}, fold, path, key)

        more = [*facts, list(method.fractions), place.settings.folds]
        made.append(
            place.stages.file(
                f"{place.name}-{method.name}-signal{fold}", ".h5", more, [template_stage, density_stage], make
            )
        )
    stages.signals = made

    def collect() -> dict[str, FoldScores]:
        names = [DATA, REFERENCE]
        names += [name for name in ("extra", "held_out") if getattr(place.samples, name) is not None]
        return {name: _joined([path for _, path in made], name) for name in names}

    return stages.add_scores([stage for stage, _ in made], collect)


def _fit_fold(
    stages: MethodStages,
    config: RunConfig,
    density: Path,
    others: dict[str, Table | None],
    fold: int,
    path: Path,
    key: str,
) -> None:
    """Fit the signal to what a fold does not test, and write scores of what it tests, and draws of the signal."""
    place = stages.place
    low, high = stages.window()
    background = load_run(density).model
    mass = place.table[:, -1].astype(np.float64)

    def log_background(table: Table) -> NDArray[np.float64]:
        at = table[:, -1].astype(np.float64)
        return log_density(background, table) + log_mass_density(mass, low, high, at)

    inside = np.flatnonzero((low <= mass) & (mass < high))
    tested = fold_numbers(len(mass), place.settings.folds)[inside] == fold
    window = Mixture(place.table[inside], log_background(place.table[inside]))
    rest = np.random.default_rng([place.settings.seed, fold]).permutation(np.flatnonzero(~tested))
    fitted = fit_signal(
        config,
        window.part(rest[len(rest) // _VALIDATES :]),
        window.part(rest[: len(rest) // _VALIDATES]),
        stages.method.fractions,
        place.settings.seed + fold,
    )
    arrays = {FRACTION: np.array([fitted.fraction]), SIGNAL: draw_signal(fitted.model, low, high, place.settings.seed)}
    own = window.part(np.flatnonzero(tested))
    scores = {DATA: (inside[tested], log_signal(fitted.model, own.x) - own.log_background)}
    for name, table in others.items():
        if table is not None:
            rows = np.arange(fold, len(table), place.settings.folds)
            scores[name] = (rows, log_signal(fitted.model, table[rows]) - log_background(table[rows]))
    for name, (rows, score) in scores.items():
        arrays |= {f"{name}/row": rows, f"{name}/fold": np.full(len(rows), fold), f"{name}/score": score}
    write_arrays(path, arrays, key)


def _joined(paths: Sequence[Path], name: str) -> FoldScores:
    parts = [read_arrays(path, [f"{name}/{part}" for part in ("row", "fold", "score")]) for path in paths]
    columns = (np.concatenate([part[f"{name}/{column}"] for part in parts]) for column in ("row", "fold", "score"))
    return FoldScores(*columns)


@torch.no_grad()
def log_signal(model: Flow, table: Table) -> NDArray[np.float64]:
    """Return ln p_S of features and observable in raw units, `(N,)`."""
    parts = [model.log_prob(Batch(torch.from_numpy(table[i : i + _BLOCK]))) for i in range(0, len(table), _BLOCK)]
    return torch.cat(parts).double().numpy() if parts else np.zeros(0)


def draw_signal(model: Flow, low: float, high: float, seed: int) -> Table:
    """Return up to 2000 draws of a signal, features and observable, that lie in the window."""
    made = model.sample(2 * _DRAWS, torch.Generator().manual_seed(seed)).x.numpy()
    good = np.isfinite(made).all(axis=1) & (low <= made[:, -1]) & (made[:, -1] < high)
    return np.asarray(made[good][:_DRAWS], dtype=np.float32)


def signal_found(stages: MethodStages, truth: NDArray[np.bool_] | None) -> SignalModel | None:
    """Return what the fits of all folds say is there beside the background; None of other methods.

    Args:
        stages: of the method, which are done.
        truth: which data are signal; None where nobody may know.
    """
    if not stages.signals:
        return None
    place = stages.place
    low, high = stages.window()
    names = (*place.samples.features, place.samples.observable)
    found = [read_arrays(path, [SIGNAL, FRACTION]) for _, path in stages.signals]
    # As many of each fold.
    drawn = np.concatenate([one[SIGNAL][: _DRAWS // len(found)] for one in found])
    fractions = np.array([one[FRACTION][0] for one in found])
    true = place.table[:0]
    if truth is not None:
        mass = place.table[:, -1]
        true = place.table[truth & (low <= mass) & (mass < high)][:_DRAWS]
    return SignalModel(
        float(fractions.mean()),
        float(fractions.std(ddof=1)),
        {name: drawn[:, i].astype(float).tolist() for i, name in enumerate(names)},
        {name: true[:, i].astype(float).tolist() for i, name in enumerate(names) if len(true)},
    )
