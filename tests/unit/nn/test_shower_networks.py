"""Networks of showers: totals given a context, shares of cells, cells that are drawn, and their correction."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import kstest, norm, truncnorm

from hepad.nn.cell_shares import CellShares
from hepad.nn.code_flow import CodeFlow
from hepad.nn.shower_networks import (
    CellCorrection,
    Cells,
    ShowerDecoder,
    VolumeTrunk,
    drawn_cells,
    hurdle_nll,
    mean_cells,
)
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


def leaking(n: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return totals of which those of high energy have a long tail to below, as showers that leak have."""
    total, energy = calorimeter(n, seed)
    leak = 0.008 * (energy[:, 0] / 5).log() * torch.from_numpy(np.random.default_rng(seed + 100).exponential(size=n))
    return total * (1 - leak), energy


def lopsided(values: np.ndarray) -> float:
    """Return (q95 + q5 − 2 q50) / (q95 − q5), the skewness by quantiles."""
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
    return (high + low - 2 * middle) / (high - low)


def test_the_tail_of_totals_depends_on_the_energy_as_that_of_the_data():
    visible = TotalGivenContext(1).fit(*leaking(8000, seed=0))
    total, energy = leaking(40_000, seed=1)
    made = visible.inverse(torch.randn(40_000, generator=torch.Generator().manual_seed(0)), energy)
    tails = []
    for low, high in ((10, 25), (75, 100)):
        rows = (energy[:, 0] >= low) & (energy[:, 0] < high)
        found, expected = ((values[rows] / energy[rows, 0]).numpy() for values in (made, total))
        assert found.std() == pytest.approx(expected.std(), rel=0.08)
        assert lopsided(found) == pytest.approx(lopsided(expected), abs=0.08)
        tails.append(lopsided(found))
    assert tails[1] < tails[0] - 0.05


def test_totals_without_a_context_have_any_distribution():
    total = torch.cat([torch.full((500,), 10.0), torch.full((500,), 1000.0)]) * (1 + 0.1 * torch.rand(1000))
    visible = TotalGivenContext(0).fit(total, None)
    made = visible.inverse(torch.randn(2000, generator=torch.Generator().manual_seed(0)))
    assert float((made < 12).float().mean()) == pytest.approx(0.5, abs=0.05)
    assert float((made > 990).float().mean()) == pytest.approx(0.5, abs=0.05)
    torch.testing.assert_close(visible.inverse(visible(total)), total.double())


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


def test_cells_pass_a_hurdle_and_are_normal_above_zero():
    cells = Cells(torch.tensor([0.3]), torch.tensor([0.4]), torch.tensor([-0.3]))
    noise = torch.randn(200_000, 1, generator=torch.Generator().manual_seed(0))
    drawn = drawn_cells(cells, noise)[:, 0]
    above = truncnorm(-0.4 / math.exp(-0.3), math.inf, 0.4, math.exp(-0.3))
    assert float((drawn > 0).float().mean()) == pytest.approx(norm.cdf(0.3), abs=0.005)
    assert kstest(drawn[drawn > 0].numpy(), above.cdf).pvalue > 1e-3
    assert float(mean_cells(cells)) ** 2 == pytest.approx(float(drawn.square().mean()), rel=0.02)
    assert float(hurdle_nll(torch.zeros(1), cells)) == pytest.approx(-norm.logsf(0.3), rel=1e-5)
    expected = -norm.logcdf(0.3) - above.logpdf(1.7)
    assert float(hurdle_nll(torch.tensor([1.7]), cells)) == pytest.approx(expected, rel=1e-5)


def test_a_larger_noise_is_a_larger_cell_and_one_without_bounds_stays_finite():
    for hit, mean in ((-6.0, -0.3), (6.0, 300.0), (-3.0, 20.0)):
        cells = Cells(*(torch.tensor([value], requires_grad=True) for value in (hit, mean, 0.0)))
        drawn = drawn_cells(cells, torch.linspace(-9, 9, 400).unsqueeze(1))[:, 0]
        assert bool((drawn.diff() >= 0).all())
        assert bool(torch.isfinite(drawn).all())
        drawn.sum().backward()
        assert all(bool(torch.isfinite(part.grad).all()) for part in cells)


def test_a_decoder_begins_at_the_mean_shower():
    torch.manual_seed(0)
    decoder = ShowerDecoder(3, (1, 4, 4, 4), [8], "relu")
    filled = torch.rand(500, 1, 4, 4, 4) < torch.linspace(0.1, 0.9, 64).view(1, 4, 4, 4)
    roots = (1 + torch.rand(500, 1, 4, 4, 4)) * filled
    decoder.fit(roots)
    with torch.no_grad():
        cells = decoder(torch.randn(100, 3))
    hit = torch.special.ndtr(cells.hit.mean(dim=0))
    torch.testing.assert_close(hit, filled.float().mean(dim=0), rtol=0, atol=0.08)
    assert float(cells.mean.mean()) == pytest.approx(1.5, abs=0.1)
    assert float(cells.log_spread.exp().mean()) == pytest.approx(12**-0.5, abs=0.05)


def test_codes_are_drawn_from_where_codes_are():
    torch.manual_seed(0)
    known = torch.rand(4000, 1) * 2 - 1
    angle = 2 * math.pi * torch.rand(4000)
    ring = torch.stack([angle.cos(), angle.sin(), torch.zeros(4000)], dim=1) * (1.5 + 0.5 * known)
    code = ring + 0.1 * torch.randn(4000, 3)
    flow = CodeFlow(3, 1, 32, "relu")
    optimizer = torch.optim.Adam(flow.parameters(), lr=5e-3)
    for _ in range(300):
        batch = torch.randint(4000, (256,))
        loss = flow.nll(code[batch], known[batch]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        for at in (-0.8, 0.8):
            made = flow.inverse(torch.randn(2000, 3), torch.full((2000, 1), at))
            assert float(made[:, :2].norm(dim=1).median()) == pytest.approx(1.5 + 0.5 * at, abs=0.15)
        latent, log_slope = flow(code[:5], known[:5])
        torch.testing.assert_close(flow.inverse(latent, known[:5]), code[:5], rtol=1e-4, atol=1e-4)
    slope = torch.autograd.functional.jacobian(lambda z: flow(z, known[:1])[0], code[:1]).reshape(3, 3)
    assert float(log_slope[0]) == pytest.approx(float(slope.slogdet().logabsdet), abs=1e-4)


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
