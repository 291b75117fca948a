"""Networks of showers: totals given a context, shares of cells, cells that are drawn, and their correction."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import norm

from hepad.nn.cell_shares import CellShares
from hepad.nn.shower_networks import CellCorrection, ShowerDecoder, VolumeTrunk, censored_nll, drawn_cells
from hepad.nn.total_given_context import TotalGivenContext


def calorimeter(n: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return visible energies (MeV) with σ/E = 20%/√E, and incident energies `(N, 1)`."""
    rng = np.random.default_rng(seed)
    energy = rng.uniform(10, 100, n)
    total = 30 * energy * (1 + 0.2 / np.sqrt(energy) * rng.normal(size=n))
    return torch.from_numpy(total), torch.from_numpy(energy).unsqueeze(1)


def test_totals_have_the_resolution_of_the_data_at_every_energy():
    visible = TotalGivenContext(1).fit(*calorimeter(20_000, seed=0))
    r = torch.randn(40_000, generator=torch.Generator().manual_seed(0))
    for energy in (12.0, 30.0, 90.0):
        made = visible.inverse(r, torch.full((len(r), 1), energy)) / (30 * energy)
        assert float(made.mean()) == pytest.approx(1, abs=0.005)
        assert float(made.std() * math.sqrt(energy)) == pytest.approx(0.2, rel=0.05)


def test_totals_are_a_unit_normal_given_the_context_and_come_back():
    total, energy = calorimeter(5000, seed=1)
    visible = TotalGivenContext(1).fit(*calorimeter(5000, seed=2))
    r = visible(total, energy)
    assert float(r.mean()) == pytest.approx(0, abs=0.06)
    assert float(r.std()) == pytest.approx(1, abs=0.06)
    assert abs(float(np.corrcoef(r, energy[:, 0])[0, 1])) < 0.06
    torch.testing.assert_close(visible.inverse(r, energy), total)


def test_entries_that_weigh_nothing_do_not_count():
    total, energy = calorimeter(2000, seed=3)
    weight = (torch.arange(2000) < 1000).float()
    strange = torch.where(weight > 0, total, 5 * total)
    alone = TotalGivenContext(1).fit(total[:1000], energy[:1000])
    weighed = TotalGivenContext(1).fit(strange, energy, weight)
    at, r = torch.full((3, 1), 50.0), torch.tensor([-1.0, 0.0, 1.0])
    torch.testing.assert_close(weighed.inverse(r, at), alone.inverse(r, at), rtol=0.02, atol=0.0)


def test_empty_entries_have_a_finite_place():
    total, energy = calorimeter(500, seed=4)
    visible = TotalGivenContext(1).fit(torch.cat([total, torch.zeros(20)]), torch.cat([energy, energy[:20]]))
    assert torch.isfinite(visible(torch.zeros(1), energy[:1])).all()
    assert float(visible(total, energy).std()) == pytest.approx(1, abs=0.2)


def test_totals_below_zero_and_a_sample_of_empty_entries_are_refused():
    for total in (torch.tensor([-1.0, 2.0]), torch.zeros(2)):
        with pytest.raises(ValueError, match="totals of entries"):
            TotalGivenContext(0).fit(total, None)


def test_shares_do_not_depend_on_the_energy_and_sum_to_one():
    x = torch.rand(6, 1, 3, 3, 3)
    cells = CellShares().fit(x)
    torch.testing.assert_close(cells(1000 * x), cells(x))
    torch.testing.assert_close(cells.inverse(3 * cells(x)), x / x.flatten(1).sum(dim=1).view(-1, 1, 1, 1, 1))
    torch.testing.assert_close(cells.inverse(cells(x)).flatten(1).sum(dim=1), torch.ones(6))
    assert bool((cells.inverse(torch.zeros(1, 1, 3, 3, 3)) == 0).all())


def test_empty_cells_have_a_gradient():
    x = torch.tensor([[0.0, 3.0, 1.0, 0.0]]).view(1, 1, 1, 2, 2).requires_grad_()
    roots = CellShares()(x)
    torch.testing.assert_close(roots.flatten(), torch.tensor([0.0, 0.75, 0.25, 0.0]).sqrt())
    (slope,) = torch.autograd.grad(roots.sum(), x)
    assert bool(slope.isfinite().all())
    # That of the first filled cell, by hand: d√s/dx of it and, by the total, of the other one.
    assert float(slope.flatten()[1]) == pytest.approx((1 - 0.75) / 4 / 2 / 0.75**0.5 - 0.25 / 4 / 2 / 0.25**0.5)


def test_cells_are_censored_normal_variables():
    mean, log_spread = torch.tensor([0.4]), torch.tensor([-0.3])
    noise = torch.randn(200_000, 1, generator=torch.Generator().manual_seed(0))
    drawn = drawn_cells(mean, log_spread, noise)
    empty = norm.cdf(0, 0.4, math.exp(-0.3))
    assert float((drawn == 0).float().mean()) == pytest.approx(empty, abs=0.005)
    assert float(censored_nll(torch.zeros(1), mean, log_spread)) == pytest.approx(-math.log(empty), rel=1e-5)
    expected = -norm.logpdf(1.7, 0.4, math.exp(-0.3))
    assert float(censored_nll(torch.tensor([1.7]), mean, log_spread)) == pytest.approx(expected, rel=1e-5)


def test_a_decoder_begins_at_the_mean_shower():
    torch.manual_seed(0)
    decoder = ShowerDecoder(3, (1, 4, 4, 4), [8], "relu")
    cells = torch.rand(500, 1, 4, 4, 4)
    decoder.fit(cells)
    mean, log_spread = decoder(torch.randn(100, 3))
    torch.testing.assert_close(mean.mean(dim=0), cells.mean(dim=0), rtol=0, atol=0.1)
    torch.testing.assert_close(log_spread.exp().mean(dim=0), cells.std(dim=0), rtol=0, atol=0.1)


def test_the_correction_sees_one_cell_at_a_time_and_leaves_empty_ones_empty():
    correction = CellCorrection(1, 2, 8, "relu")
    cells, known = torch.rand(3, 1, 4, 4, 4), torch.randn(3, 2)
    cells[:, :, 0] = 0
    changed = cells.clone()
    changed[0, 0, 2, 2, 2] += 1
    before, after = correction(cells, known), correction(changed, known)
    assert bool((before[:, :, 0] == 0).all())
    different = (before != after).nonzero()
    assert len(different) <= 1


def test_trunks_take_volumes_of_any_size():
    for size in ((9, 8, 7), (10, 10, 10), (3, 3, 3)):
        assert VolumeTrunk(2, size, 3, None, 8, 5, "relu")(torch.rand(2, 2, *size), torch.rand(2, 3)).shape == (2, 5)
