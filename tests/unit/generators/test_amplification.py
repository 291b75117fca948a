"""Amplification: what a generator that is the truth itself gains, and the study of runs that were trained on few."""

import numpy as np
import pytest
from scipy import stats
from scripts import amplification

from hepad.generators import AmplificationStudy, sampling_error


def test_cells_of_the_ring_hold_equal_shares_of_it():
    entries = amplification.draw_ring(20_000, np.random.default_rng(1))
    for n_cells in (4, 49):
        # Σ (xⱼ − 1/n)² times N n is a χ² with n − 1 degrees of freedom.
        chi2 = amplification.error_in_cells(entries, n_cells) * len(entries) * n_cells
        assert 0.001 < stats.chi2.sf(chi2, n_cells - 1) < 0.999


def test_a_generator_that_is_the_truth_gains_as_many_times_as_it_makes_entries():
    n, counts, cells = 200, np.array([200, 2000]), np.array([16, 100])
    training, generated = [], []
    for seed in range(60):
        known, made = (amplification.draw_ring(m, np.random.default_rng([seed, m])) for m in counts)
        training.append([amplification.error_in_cells(known, c) for c in cells])
        generated.append([[amplification.error_in_cells(made[:m], c) for m in counts] for c in cells])
    study = AmplificationStudy(n, cells, counts, np.array(training), np.array(generated))
    gain, error = study.gains
    assert np.all(np.abs(gain - 10) < 3.5 * error)
    assert np.all(error < 1)
    expected = [sampling_error(c, n) for c in cells]
    assert study.training.mean(axis=0) == pytest.approx(expected, rel=0.2)


def test_a_study_trains_runs_and_writes_table_and_figure(tmp_path, capsys):
    words = ["model.coordinates=standard", "trainer.max_epochs=1", "model.transforms=1", "model.hidden=[4]"]
    few = ["--entries", "80", "--seeds", "2", "--cells", "4", "49", "--factor", "10"]
    found = amplification.main([str(tmp_path), *few, "--words", *words])["N = 80"]
    assert found.counts[-1] == 800
    assert found.generated.shape == (2, 2, 7)
    # After an epoch it knows no ring: of the truth alone M entries would have been ten times better.
    assert np.all(found.gains[0] < 3)
    assert capsys.readouterr().out.count("| 80 |") == 2
    assert (tmp_path / "amplification.png").stat().st_size > 10_000


def test_a_number_of_cells_that_is_no_square_is_refused():
    with pytest.raises(SystemExit, match="a square is needed"):
        amplification.error_in_cells(np.zeros((1, 2)), 5)
