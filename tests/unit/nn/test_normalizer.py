"""The input normaliser: statistics, masks, and the way back."""

import numpy as np
import pytest
import torch
from sklearn.preprocessing import RobustScaler, StandardScaler

from hepad.nn import NORMALIZERS, InputNormalizer

torch.manual_seed(0)
JETS = torch.randn(500, 4) * torch.tensor([1.0, 50.0, 0.1, 5.0]) + torch.tensor([0.0, 200.0, 3.0, -4.0])


@pytest.mark.parametrize("kind", NORMALIZERS)
def test_inverse_brings_raw_entries_back(kind):
    normalizer = InputNormalizer(kind, (4,)).fit(JETS)
    back = normalizer.inverse(normalizer(JETS), JETS)
    torch.testing.assert_close(back, JETS, rtol=2e-5, atol=1e-4)


def test_standard_agrees_with_scikit_learn():
    normalizer = InputNormalizer("standard", (4,)).fit(JETS)
    expected = StandardScaler().fit_transform(JETS.numpy())
    np.testing.assert_allclose(normalizer(JETS).numpy(), expected, atol=1e-5)


def test_robust_agrees_with_scikit_learn():
    odd = JETS[:497]  # quartiles fall on entries, so every definition of a quantile agrees
    normalizer = InputNormalizer("robust", (4,)).fit(odd)
    expected = RobustScaler(unit_variance=True).fit_transform(odd.numpy().astype(float))
    np.testing.assert_allclose(normalizer(odd).numpy(), expected, rtol=1e-4, atol=1e-4)


def test_log_compresses_heavy_tails_and_keeps_the_sign():
    x = torch.tensor([[-1000.0], [-1.0], [0.0], [1.0], [1000.0]])
    z = InputNormalizer("log", (1,)).fit(x)(x)
    assert (z.diff(dim=0) > 0).all()
    assert z.abs().max() < 2


def test_layer_uses_the_entry_alone():
    z = InputNormalizer("layer", (4,))(JETS)
    torch.testing.assert_close(z.mean(dim=1), torch.zeros(len(z)), atol=1e-5, rtol=0)
    torch.testing.assert_close(z[3:4], InputNormalizer("layer", (4,))(JETS[3:4]))


@pytest.mark.parametrize("kind", NORMALIZERS)
@pytest.mark.parametrize("size", [1e18, 1e30])
def test_one_huge_number_in_training_or_in_an_entry_gives_finite_numbers(kind, size):
    broken = JETS.clone()
    broken[7, 2] = size
    for train in (JETS, broken):
        z = InputNormalizer(kind, (4,)).fit(train)(broken)
        assert torch.isfinite(z).all()
    if kind == "layer":
        # The one number is all there is to see: (x − mean) / std of (0, 0, 1, 0).
        torch.testing.assert_close(z[7], torch.tensor([-1.0, -1.0, 3.0, -1.0]) / 3**0.5)


def test_a_constant_feature_is_centred_and_not_blown_up():
    x = torch.cat([JETS, torch.full((500, 1), 0.1)], dim=1)
    z = InputNormalizer("standard", (5,)).fit(x)(x)
    assert z[:, 4].abs().max() < 1e-6


def test_counts_without_interquartile_range_fall_back_to_the_spread():
    x = torch.zeros(100, 1)
    x[:5] = 1.0
    z = InputNormalizer("robust", (1,)).fit(x)(x)
    assert z.max() == pytest.approx(1 / x.std(correction=0).item(), rel=1e-5)


def test_padded_slots_take_no_part_and_become_zero():
    x = torch.randn(200, 8, 3) * 10 + 100
    mask = torch.arange(8) < torch.randint(1, 9, (200, 1))
    x[~mask] = 0
    normalizer = InputNormalizer("standard", (8, 3)).fit(x, mask)
    z = normalizer(x, mask)
    torch.testing.assert_close(z[mask].mean(dim=0), torch.zeros(3), atol=1e-4, rtol=0)
    assert (z[~mask] == 0).all()


def test_images_have_one_statistic_per_channel():
    x = torch.randn(50, 2, 6, 5) * torch.tensor([1.0, 9.0]).reshape(2, 1, 1)
    normalizer = InputNormalizer("standard", (2, 6, 5)).fit(x)
    assert normalizer.scale.shape == (2, 1, 1)
    torch.testing.assert_close(normalizer(x).std(dim=(0, 2, 3)), torch.ones(2), atol=1e-2, rtol=0)


def test_statistics_travel_with_the_state_dict():
    fitted = InputNormalizer("standard", (4,)).fit(JETS)
    other = InputNormalizer("standard", (4,))
    other.load_state_dict(fitted.state_dict())
    assert other.fitted
    torch.testing.assert_close(other(JETS), fitted(JETS))


def test_unknown_kind_names_the_allowed_ones():
    with pytest.raises(ValueError, match="standard, robust, log, layer, none"):
        InputNormalizer("standart", (4,))


@pytest.mark.parametrize("kind", ["standard", "robust", "log"])
def test_nothing_to_fit_is_refused(kind):
    normalizer = InputNormalizer(kind, (8, 3))
    with pytest.raises(ValueError, match="nothing but empty entries"):
        normalizer.fit(torch.zeros(5, 8, 3), torch.zeros(5, 8, dtype=torch.bool))
    with pytest.raises(ValueError, match="NaN or infinite"):
        normalizer.fit(torch.full((5, 8, 3), torch.nan))
    assert not normalizer.fitted


def test_a_single_entry_is_centred():
    normalizer = InputNormalizer("standard", (3,)).fit(torch.tensor([[1.0, 2.0, 3.0]]))
    assert torch.equal(normalizer(torch.tensor([[1.0, 2.0, 4.0]])), torch.tensor([[0.0, 0.0, 1.0]]))


def test_the_rounding_of_a_constant_is_no_spread():
    x = torch.full((1000, 1), 0.1, dtype=torch.float64)
    assert x.std(dim=0, correction=0) > 0
    normalizer = InputNormalizer("standard", (1,)).double().fit(x)
    assert normalizer.scale.item() == 1
    assert normalizer(x + 1).mean().item() == pytest.approx(1)
