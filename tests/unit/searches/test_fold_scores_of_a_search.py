"""Scores of a search: entries that no fold trains on are dealt to the models of all folds; the ratio of densities."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np

from hepad.searches.common_scale import FoldScores
from hepad.searches.density_methods import density_ratio
from hepad.searches.scoring import in_region, other_scores

TABLE = np.arange(14, dtype=np.float32).reshape(7, 2)


def test_entries_that_train_nothing_are_dealt_to_all_models(monkeypatch):
    def load(directory: Path) -> SimpleNamespace:
        return SimpleNamespace(score=lambda x: 100 * int(directory.name) + x[:, 0])

    monkeypatch.setattr("hepad.searches.scoring.load_run", load)
    found = other_scores([Path("0"), Path("1"), Path("2")], TABLE)
    assert found.fold.tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert found.score.tolist() == [0, 102, 204, 6, 108, 210, 12]
    # The model sees the features and not the observable, which says what is in a region.
    assert in_region(found, TABLE[:, 1], (3, 5), (13, 20)).row.tolist() == [1, 6]


def test_a_ratio_is_that_of_the_window_by_the_fold_that_tests_an_entry_over_the_side_bands(monkeypatch):
    module = "hepad.searches.density_methods"
    monkeypatch.setattr(f"{module}.load_run", lambda directory: SimpleNamespace(model=int(directory.name)))
    monkeypatch.setattr(f"{module}.log_density", lambda model, table: model + 0.0 * table[:, 0])
    folds, outer = [Path("100"), Path("200")], Path("7")
    tested = FoldScores(np.arange(7), np.array([1, 1, 0, 0, 0, 1, 1]), np.zeros(7))
    found = density_ratio(TABLE, folds, outer, tested)
    assert found.score.tolist() == [193, 193, 93, 93, 93, 193, 193]
    assert density_ratio(TABLE, folds, outer).score.tolist() == [93, 193, 93, 193, 93, 193, 93]
