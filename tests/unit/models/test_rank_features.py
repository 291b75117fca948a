"""Ranks among real entries: neither units, nor tails, nor ties decide; and in them coverage can be compared."""

import pytest
import torch
from scipy.stats import rankdata

from hepad.models.two_sample import RankFeatures, coverage, distances


def jets(n: int, seed: int) -> torch.Tensor:
    """A heavy tail, a count, a tagger that is −1 for most, a normal feature, and one that never varies."""
    generator = torch.Generator().manual_seed(seed)
    normal = torch.randn(n, 4, generator=generator, dtype=torch.float64)
    tagger = torch.where(normal[:, 2] < 0.5, torch.full_like(normal[:, 2], -1.0), normal[:, 2].sigmoid())
    return torch.stack([normal[:, 0].exp() * 20, normal[:, 1].exp().round(), tagger, normal[:, 3], tagger * 0], dim=1)


def images(n: int, seed: int) -> torch.Tensor:
    """100 pixels, four in five of them 0, and few of them alike in two images."""
    generator = torch.Generator().manual_seed(seed)
    energy = torch.randn(n, 100, generator=generator, dtype=torch.float64).exp()
    scale = torch.randn(n, 1, generator=generator, dtype=torch.float64).mul(0.5).exp()
    return energy * scale * (torch.rand(n, 100, generator=generator, dtype=torch.float64) < 0.2)


def covered(real: torch.Tensor, others: torch.Tensor) -> float:
    features = RankFeatures(real)
    return coverage(distances(features(real), features(others))).item()


def test_ranks_are_those_of_scipy():
    real = jets(200, 0)
    features = RankFeatures(real, components=5)
    ranks = torch.from_numpy(rankdata(real, axis=0) - 0.5) / 200
    # Five directions of five features: distances are those of the ranks.
    torch.testing.assert_close(torch.pdist(features(real)), torch.pdist(ranks))


def test_units_and_shape_of_a_distribution_do_not_matter():
    real, others = jets(200, 0), jets(100, 1)
    wanted = distances(RankFeatures(real)(real), RankFeatures(real)(real)).real
    bent = torch.stack([real[:, 0].log(), real[:, 1] * 1e3, real[:, 2] ** 3, real[:, 3].exp(), real[:, 4] + 7], dim=1)
    torch.testing.assert_close(torch.cdist(RankFeatures(bent)(bent), RankFeatures(bent)(bent)), wanted)
    assert RankFeatures(real)(others).isfinite().all()


def test_a_smooth_generator_is_not_blamed_for_ties():
    real, others = jets(500, 0), jets(500, 1)
    smooth = others + 0.02 * torch.randn(500, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    assert covered(real, smooth) == pytest.approx(covered(real, others), abs=0.05)
    # As they stand, the smooth entries lie beside the lattice that all real ones are on.
    scale = real.std(dim=0).clamp(min=1e-3)
    found = [coverage(distances(real / scale, sample / scale)).item() for sample in (others, smooth)]
    assert found[1] < 0.5 * found[0]


@pytest.mark.parametrize("data", [jets, images])
def test_a_narrower_generator_covers_less(data):
    real, others = data(500, 0), data(500, 1)
    middle = real.mean(dim=0)
    shares = [covered(real, middle + scale * (others - middle)) for scale in (1, 0.4, 0.2, 0)]
    assert shares[0] > 0.93
    assert shares[0] > shares[1] > shares[2] > shares[3]
    assert shares[2] < 0.5
    assert shares[3] < 0.05


def test_entries_that_are_all_the_same_are_covered_by_themselves():
    same = torch.full((8, 3), 0.1)
    assert covered(same, same) == 1
    assert covered(torch.zeros(1, 3), torch.ones(1, 3)) == 1
