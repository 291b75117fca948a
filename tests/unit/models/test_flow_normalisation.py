"""The density of a flow integrates to one, by quadrature: in a plane, in one column, and around a ring."""

import math

import pytest
import torch
from tests.unit.models.test_flow import flow, skewed_plane

from hepad.core.batch import Batch
from hepad.nn import COORDINATES, FLOWS


@pytest.fixture(scope="module")
def plane():
    return skewed_plane()


def nodes(low, high, knots):
    """Nodes and weights of Gauss and Legendre, two in each of the intervals between knots, or of equal length."""
    if knots is None:
        edges = torch.linspace(low, high, 150, dtype=torch.float64)
    else:
        inside = knots[(knots > low) & (knots < high)]
        tails = [torch.linspace(*ends, 30, dtype=torch.float64) for ends in ((low, inside[0]), (inside[-1], high))]
        edges = torch.cat([tails[0], inside[1:-1], tails[1]])
        # Splines have knots of their own between these.
        edges = torch.cat([edges[:-1], (edges[1:] + edges[:-1]) / 2, edges[-1:]]).sort().values
    middle, half = (edges[1:] + edges[:-1]) / 2, edges.diff() / 2
    return torch.cat([middle - half / 3**0.5, middle + half / 3**0.5]), torch.cat([half, half])


def edges_of(coordinates, x):
    """Where the density of each column is not smooth: knots, or the training range, beyond which it is not meant."""
    if coordinates.table is not None:
        return [coordinates.table.x]
    if coordinates.kind == "logit":
        return [torch.stack([torch.linspace(*ends, 75).double() for ends in zip(x.amin(0), x.amax(0), strict=True)])]
    return [[None] * x.shape[1]]


@pytest.mark.parametrize("kind", FLOWS)
@pytest.mark.parametrize("coordinates", COORDINATES)
def test_the_density_of_a_plane_integrates_to_one(plane, kind, coordinates):
    model = flow(plane, kind=kind, coordinates=coordinates, score="norm")
    center, spread = plane.mean(0), plane.std(0)
    columns, weights = zip(*(nodes(*edges) for edges in zip(
        center - 12 * spread, center + 12 * spread, *edges_of(model.coordinates, plane), strict=True
    )), strict=True)  # fmt: skip
    grid = torch.cartesian_prod(*columns)
    with torch.no_grad():
        total = (model.log_prob(Batch(grid)).exp() * torch.cartesian_prod(*weights).prod(1)).sum()
    assert float(total) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("kind", FLOWS)
def test_the_density_of_one_column_integrates_to_one_on_a_ring_too(kind):
    angles = 2.5 + 0.6 * torch.randn(3000, 1).double()
    model = flow(angles, kind=kind, periodic=[0])
    grid = torch.linspace(-math.pi, math.pi, 20001).double()[:-1].unsqueeze(1)
    with torch.no_grad():
        found = model.log_prob(Batch(grid)).exp()
        again = model.log_prob(Batch(grid + 2 * math.pi)).exp()
    assert float(found.mean()) * 2 * math.pi == pytest.approx(1, abs=1e-3)
    torch.testing.assert_close(found, again, rtol=1e-6, atol=1e-9)
