"""Methods that ask a density for more than a template: the ratio of two, and its latent space."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hepad.run.loading import load_run
from hepad.searches.common_scale import FoldScores
from hepad.searches.method_stages import MethodStages, against
from hepad.searches.runs import SIGNAL_REGION
from hepad.searches.sample_tables import Table, read_table, write_table
from hepad.searches.samples import DATA
from hepad.searches.scoring import REFERENCE, in_region, tested_scores
from hepad.searches.template import latent_table, log_density, normal_template


def anode(stages: MethodStages) -> tuple[str, Path]:
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
        data = density_ratio(place.table, runs, outer, tested_scores(runs, DATA))
        known = {REFERENCE: template, "extra": place.samples.extra, "held_out": place.samples.held_out}
        others = {name: density_ratio(table, runs, outer) for name, table in known.items() if table is not None}
        return {DATA: in_region(data, place.table[:, -1], (low, high)), **others}

    return stages.add_scores([stage, *folds], collect)


def density_ratio(table: Table, runs: Sequence[Path], outer: Path, tested: FoldScores | None = None) -> FoldScores:
    """Return ln p_in − ln p_out; p_in is that of the fold that has not seen the entry, or of every K-th row's."""
    fold = np.arange(len(table)) % len(runs)
    if tested is not None:
        fold[tested.row] = tested.fold
    score = -log_density(load_run(outer).model, table)
    for number, directory in enumerate(runs):
        here = fold == number
        score[here] += log_density(load_run(directory).model, table[here])
    return FoldScores(np.arange(len(table)), fold, score)


def lacathode(stages: MethodStages) -> tuple[str, Path]:
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

    normal, normal_file = place.stages.file(
        f"{place.name}-normal", ".h5", [method.oversample, low, high], [place.prepared], draw
    )

    def files(fold: int) -> dict[str, Path]:
        return {DATA: stages.of_fold(latent, fold)[1], "template": normal_file}

    folds, runs = stages.add_folds(
        files, against("template"), "template", lambda fold: [stages.of_fold(latent, fold)[0], normal], features=names
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
