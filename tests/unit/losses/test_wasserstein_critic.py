"""Critics and mean discrepancies: distances of samples that can be written down."""

import math

import pytest
import torch
from sklearn.metrics.pairwise import rbf_kernel

from hepad.losses.mean_discrepancy import mean_discrepancy, sorted_cells_discrepancy
from hepad.losses.wasserstein_critic import critic_loss, gradient_penalty
from hepad.nn import mlp


def test_a_critic_with_the_penalty_finds_the_distance_of_two_samples():
    torch.manual_seed(0)
    critic = mlp([1, 32, 32, 1], "leaky_relu")
    optimizer = torch.optim.Adam(critic.parameters(), lr=3e-3, betas=(0.5, 0.9))
    for _ in range(300):
        real, made = torch.randn(256, 1), 2 + torch.randn(256, 1)
        loss = critic_loss(critic(real), critic(made))
        optimizer.zero_grad()
        (loss + 10 * gradient_penalty(critic, [real], [made])).backward()
        optimizer.step()
    assert -loss.item() == pytest.approx(2, abs=0.4)


def test_the_penalty_counts_the_slope_of_all_parts_together_and_of_nothing_known():
    x, y = torch.randn(5, 2), torch.randn(5, 3)
    penalty = gradient_penalty(
        lambda a, b, c: 3 * a[:, 0] + 4 * b[:, 1] + 7 * c[:, 0], [x, y], [x + 1, y + 1], [torch.randn(5, 1)]
    )
    assert float(penalty) == pytest.approx((5 - 1) ** 2, rel=1e-4)


def test_the_mean_discrepancy_is_that_of_its_definition():
    one, other = torch.randn(40, 3, dtype=torch.float64), 0.5 + torch.randn(30, 3, dtype=torch.float64)
    expected = 0.0
    for gamma in (1.0, 0.01):
        within = [
            (rbf_kernel(x, gamma=gamma).sum() - len(x)) / (len(x) * (len(x) - 1)) for x in (one.numpy(), other.numpy())
        ]
        expected += sum(within) - 2 * rbf_kernel(one.numpy(), other.numpy(), gamma=gamma).mean()
    assert float(mean_discrepancy(one, other, [1.0, 0.01])) == pytest.approx(expected, rel=1e-9)


def test_samples_of_one_distribution_have_none_on_average():
    generator = torch.Generator().manual_seed(0)
    found = mean_discrepancy(*torch.randn(2, 200, 50, 1, generator=generator), [1.0])
    assert abs(float(found)) < 0.003


def test_sorted_cells_see_spectra_and_not_places():
    cells = torch.rand(4, 1, 4, 4, 4)
    moved = cells.flatten(1)[:, torch.randperm(64)].view_as(cells)
    assert float(sorted_cells_discrepancy(cells, moved, 16, 50.0)) == pytest.approx(
        float(sorted_cells_discrepancy(cells, cells, 16, 50.0)), abs=1e-6
    )
    wrong = (1.3 * cells).requires_grad_(True)
    found = sorted_cells_discrepancy(wrong, cells, 16, 50.0)
    found.backward()
    assert math.isfinite(found.item())
    # Smaller cells would be more like those that they are compared with.
    assert wrong.grad is not None
    assert float(wrong.grad.mean()) > 0
