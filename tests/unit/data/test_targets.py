"""What a student learns: targets, weights of rare scores, flat resampling, the 4-way split."""

import numpy as np
import pytest
import torch

from hepad.core.batch import Batch
from hepad.core.errors import UserError
from hepad.data.loader import BatchLoader
from hepad.data.split import rows_sha256, split_rows
from hepad.data.targets import RareScoreWeights, flat_probability, target_transform


@pytest.fixture
def scores():
    """Scores as an autoencoder gives them: a bulk, a tail over decades, and events without jets at 0."""
    generator = torch.Generator().manual_seed(0)
    return torch.cat([torch.zeros(500), torch.randn(5000, generator=generator).mul(1.2).exp()])


@pytest.mark.parametrize("target", ["score", "log_score", "cicada"])
def test_a_target_never_falls_and_is_finite(scores, target):
    values = target_transform(target, scores)(scores.sort().values)
    assert torch.isfinite(values).all()
    assert (values.diff() >= 0).all()


def test_log_score_is_the_logarithm_above_a_floor(scores):
    values = target_transform("log_score", scores)(scores)
    positive = scores[scores > 0]
    floor = positive.sort().values[5]
    above = scores >= floor
    torch.testing.assert_close(values[above], scores[above].log())
    assert (values[~above] == floor.log()).all()


def test_cicada_is_32_ln_mse_in_its_range():
    values = target_transform("cicada", torch.ones(1))(torch.tensor([0.0, 0.5, 1.0, np.e, 100.0, 1e9]))
    assert values.tolist() == pytest.approx([0, 0, 0, 32, 32 * np.log(100), 256], rel=1e-6)
    assert values.max() < 256


def test_targets_that_cannot_be_made_are_refused():
    with pytest.raises(ValueError, match="log_score, cicada"):
        target_transform("logit", torch.ones(3))
    with pytest.raises(ValueError, match="allowed here: score"):
        target_transform("log_score", torch.tensor([-1.0, 2.0]))
    with pytest.raises(ValueError, match="allowed here: score"):
        target_transform("log_score", torch.zeros(3))


def test_weights_are_one_over_the_density(scores):
    target = target_transform("log_score", scores)(scores)
    weights = RareScoreWeights(target, clip=float("inf"))(target).numpy()
    density, edges = np.histogram(target.numpy().astype(np.float64), bins=100, density=True)
    expected = 1 / density[np.digitize(target, edges[1:-1])]
    # An entry on the very edge of a bin may fall on either side of it.
    agree = np.isclose(weights, expected / expected.mean(), rtol=1e-4)
    assert agree.mean() > 0.999


@pytest.mark.parametrize("clip", [20.0, 2.0])
def test_weights_have_mean_one_and_are_clipped(scores, clip):
    target = target_transform("log_score", scores)(scores)
    weights = RareScoreWeights(target, clip=clip)(target).double()
    assert weights.mean().item() == pytest.approx(1, rel=1e-5)
    assert weights.max().item() == pytest.approx(clip, rel=1e-5)
    assert (weights > 0).all()


def test_weights_beyond_the_training_range_are_those_of_its_ends(scores):
    target = target_transform("log_score", scores)(scores)
    weights = RareScoreWeights(target)
    far = torch.tensor([target.min() - 100, target.max() + 100])
    torch.testing.assert_close(weights(far), weights(torch.stack([target.min(), target.max()])))


def test_equal_targets_are_refused():
    with pytest.raises(ValueError, match="the same"):
        RareScoreWeights(torch.ones(10))


def test_flat_resampling_is_flat(scores):
    target = target_transform("log_score", scores)(scores)
    loader = BatchLoader(Batch(target), 512, shuffle_seed=3, probability=flat_probability(target))
    drawn = torch.cat([batch.x for _ in range(20) for batch in loader])
    filled = np.histogram(target.double(), bins=100)[0] > 0
    counts = np.histogram(drawn.double(), bins=100, range=(float(target.min()), float(target.max())))[0][filled]
    expected = len(drawn) / filled.sum()
    # Poisson, with the same epoch drawn twenty times, and an entry or two on the edges of bins.
    assert np.abs(counts / expected - 1).mean() < 0.15
    plain = np.histogram(target.double(), bins=100)[0][filled]
    assert plain.std() / plain.mean() > 5 * counts.std() / counts.mean()


def test_resampling_changes_with_the_epoch_and_repeats_with_the_seed(scores):
    def drawn(epoch: int, seed: int) -> torch.Tensor:
        loader = BatchLoader(Batch(scores), 512, shuffle_seed=seed, probability=torch.ones(len(scores)))
        loader.sampler.set_epoch(epoch)
        return torch.cat([batch.x for batch in loader])

    assert torch.equal(drawn(1, 5), drawn(1, 5))
    assert not torch.equal(drawn(1, 5), drawn(2, 5))
    assert not torch.equal(drawn(1, 5), drawn(1, 6))


def test_no_entry_serves_twice():
    teacher, student, whole = (split_rows(5003, part) for part in ("first", "second", None))
    parts = [teacher.train, student.train, whole.val, whole.test]
    assert sorted(np.concatenate(parts).tolist()) == list(range(5003))
    assert abs(len(teacher.train) - len(student.train)) <= 1
    assert set(whole.train) == set(teacher.train) | set(student.train)


def test_every_part_is_validated_and_tested_on_the_same_entries():
    splits = [split_rows(1000, part) for part in (None, "first", "second")]
    assert len({rows_sha256(split.val) for split in splits}) == 1
    assert len({rows_sha256(split.test) for split in splits}) == 1
    assert len({rows_sha256(split.train) for split in splits}) == 3


def test_an_unknown_part_is_refused():
    with pytest.raises(UserError, match="allowed: null, first, second"):
        split_rows(1000, "half")
