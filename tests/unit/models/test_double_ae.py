"""Two autoencoders: independent errors, the smaller of which is the score, on a scale that validation sets."""

import pytest
import torch
from tests.stepping import trainer_of

from hepad.core.diagnostics import IndependentScores
from hepad.data import Batch
from hepad.data.loader import BatchLoader
from hepad.losses import unbiased_distance_correlation
from hepad.models import DoubleAutoencoder

MSE = {"_target_": "hepad.losses.MSE"}


def entries(n=600):
    """Vectors of two halves, each loud for itself: an autoencoder that keeps one half has the error of the other."""
    generator = torch.Generator().manual_seed(0)
    loudness = torch.randn(n, 2, generator=generator).exp().repeat_interleave(3, dim=1)
    return Batch(loudness * torch.randn(n, 6, generator=generator))


def trained(tmp_path, independence):
    batch = entries()
    torch.manual_seed(0)
    model = DoubleAutoencoder((6,), MSE, hidden=[], latent=3, independence=independence)
    model.prepare(batch)
    model.optimizer_factory = lambda parameters: torch.optim.Adam(parameters, lr=2e-2)
    tmp_path.mkdir(exist_ok=True)
    trainer_of(tmp_path, max_epochs=40).fit(model, BatchLoader(batch, 200, shuffle_seed=1), BatchLoader(batch, 600))
    return model.eval(), batch


def test_the_penalty_makes_the_errors_independent(tmp_path):
    found = {}
    for independence in (0.0, 20.0):
        model, batch = trained(tmp_path / str(independence), independence)
        with torch.no_grad():
            found[independence] = float(unbiased_distance_correlation(*model.errors(batch).log()))
    assert found[0.0] > 0.3
    assert found[20.0] < 0.6 * found[0.0]


def test_the_score_is_the_smaller_error_on_one_scale(tmp_path):
    model, batch = trained(tmp_path, 1.0)
    with torch.no_grad():
        logs = model.errors(batch).log()
        standard = (logs - model.centers.unsqueeze(1)) / model.spreads.unsqueeze(1)
        torch.testing.assert_close(model.anomaly_score(batch), standard.min(dim=0).values)
    assert model.spreads.min() > 0.1
    assert standard.mean(dim=1).abs().max() < 0.5


def test_the_diagnostics_hold_the_errors_of_the_background(tmp_path):
    model, batch = trained(tmp_path, 1.0)
    found = next(each for each in model.diagnostics({"qcd": batch}, {}, "qcd") if isinstance(each, IndependentScores))
    parts = model.score_parts(batch)
    torch.testing.assert_close(found.first, parts["first"].detach())
    torch.testing.assert_close(found.second, parts["second"].detach())


def test_other_losses_are_refused():
    with pytest.raises(ValueError, match="does not compare entries"):
        DoubleAutoencoder((6,), {"_target_": "hepad.losses.NonSaturating"})
