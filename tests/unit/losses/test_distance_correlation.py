"""Unbiased distance correlation: the formula by loops, no bias, no entry of weight 0, gradients everywhere."""

import math

import pytest
import torch

from hepad.losses import unbiased_distance_correlation
from hepad.losses.distance_correlation import MOST_ENTRIES
from hepad.metrics import distance_correlation


def by_loops(x, y):
    """(3.1) and (3.2) of arXiv:1310.2926, entry by entry."""
    n = len(x)

    def centered(v):
        d = [[abs(p - q) for q in v] for p in v]
        row = [sum(each) for each in d]
        total = sum(row)
        return [
            [
                0 if i == j else d[i][j] - (row[i] + row[j]) / (n - 2) + total / ((n - 1) * (n - 2))
                for j in range(n)
            ]
            for i in range(n)
        ]  # fmt: skip

    def product(a, b):
        return sum(a[i][j] * b[i][j] for i in range(n) for j in range(n)) / (n * (n - 3))

    a, b = centered(x), centered(y)
    return product(a, b) / math.sqrt(product(a, a) * product(b, b))


@pytest.fixture
def columns():
    generator = torch.Generator().manual_seed(3)
    x, noise = torch.randn(2, 40, generator=generator, dtype=torch.float64)
    return 300 * x, x.square() + 0.3 * noise + 5


def test_it_is_the_formula(columns):
    x, y = columns
    assert unbiased_distance_correlation(x, y).item() == pytest.approx(by_loops(x.tolist(), y.tolist()), rel=1e-10)


def test_entries_of_weight_zero_are_not_there(columns):
    x, y = columns
    chosen = torch.arange(40) % 3 > 0
    weight = torch.where(chosen, 2.5, 0.0)
    expected = unbiased_distance_correlation(x[chosen], y[chosen])
    torch.testing.assert_close(unbiased_distance_correlation(x, y, weight.double()), expected)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n", [32, 200])
def test_independent_columns_have_none_on_average(n, weighted):
    generator = torch.Generator().manual_seed(n)
    found = []
    for _ in range(400):
        x, y, w = torch.rand(3, n, generator=generator)
        found.append(unbiased_distance_correlation(x.log(), y, w if weighted else None).item())
    mean = torch.tensor(found).mean().item()
    error = torch.tensor(found).std().item() / math.sqrt(len(found))
    # Weights that are not equal leave a bias of higher order in 1/n.
    assert abs(mean) < 3.5 * error + (1 / n**2 if weighted else 0)
    # The usual estimate is far from 0 here.
    assert distance_correlation(x.double().numpy(), y.double().numpy()) ** 2 > 5 * abs(mean)


def test_many_entries_agree_with_the_usual_estimate():
    x, noise = torch.randn(2, 3000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    y = x + noise
    usual = distance_correlation(x.numpy(), y.numpy()) ** 2
    assert unbiased_distance_correlation(x, y).item() == pytest.approx(usual, abs=3e-3)


def test_many_entries_are_cut_to_what_memory_takes():
    x = torch.randn(MOST_ENTRIES + 10, generator=torch.Generator().manual_seed(0))
    y = torch.randn(MOST_ENTRIES + 10, generator=torch.Generator().manual_seed(1))
    assert unbiased_distance_correlation(x, y) == unbiased_distance_correlation(x[:MOST_ENTRIES], y[:MOST_ENTRIES])


@pytest.mark.parametrize(
    ("x", "weight"),
    [
        (torch.ones(20), None),
        (torch.arange(20.0), torch.zeros(20)),
        (torch.arange(20.0), (torch.arange(20) < 3).float()),
        (torch.arange(20.0).div(7, rounding_mode="floor"), None),
        (torch.arange(20.0) * 1e18, None),
        (torch.arange(3.0), None),
    ],
    ids=["constant", "no weight", "three entries", "ties", "large", "too few"],
)
def test_gradients_are_finite(x, weight):
    x = x.clone().requires_grad_()
    y = torch.linspace(-1, 1, len(x)).square()
    found = unbiased_distance_correlation(x, y, weight)
    found.backward()
    assert math.isfinite(found.item())
    assert bool(x.grad.isfinite().all())


def test_the_gradient_is_that_of_differences():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(12, generator=generator, dtype=torch.float64, requires_grad=True)
    y, weight = torch.rand(2, 12, generator=generator, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda values: unbiased_distance_correlation(values, y, weight), [x])
