"""Where the restarts of a latent search begin."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from hepad.core.batch import Batch
from hepad.core.errors import UserError
from hepad.data import Entries
from hepad.inference import LatentSearchInference
from hepad.inference.code_prior import NEAR, UNIT_NORMAL, CodePrior, start_codes
from hepad.losses import MSE
from hepad.models import GAN


def test_the_definition_starts_every_restart_from_the_prior(tmp_path) -> None:
    assert LatentSearchInference(tmp_path, MSE()).start == "prior"
    drawn = torch.randn(5, 3, 2)
    assert torch.equal(start_codes(drawn, None, UNIT_NORMAL), drawn)
    fitted = CodePrior(torch.tensor([1.0, -1.0]), torch.tensor([2.0, 0.5]))
    assert torch.equal(start_codes(drawn, None, fitted), drawn * fitted.spread + fitted.mean)


def test_from_the_encoder_the_first_starts_at_the_code_and_the_others_near_it() -> None:
    drawn, own, prior = torch.randn(5, 3, 2), torch.randn(5, 2), CodePrior(torch.ones(2), torch.tensor([2.0, 0.5]))
    codes = start_codes(drawn, own, prior)
    assert torch.equal(codes[:, 0], own)
    torch.testing.assert_close(codes[:, 1:], own[:, None] + NEAR * prior.spread * drawn[:, 1:])


class WithoutEncoder(GAN):
    """A generator that nothing leads back from."""

    def encode_batch(self, batch: Batch) -> None:
        return None


def test_a_start_that_is_not_there_is_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match="start 'auto'; allowed: prior, encoder"):
        LatentSearchInference(tmp_path, MSE(), start="auto")
    model = WithoutEncoder([4], {"_target_": "hepad.losses.Hinge"})
    entries = Entries(Batch(torch.randn(3, 4)), index=np.arange(3))
    data = SimpleNamespace(train_entries=entries, context_names=())
    with pytest.raises(UserError, match="WithoutEncoder has no encoder; allowed: prior"):
        LatentSearchInference(tmp_path, MSE(), start="encoder").check(model, data)  # type: ignore[arg-type]
