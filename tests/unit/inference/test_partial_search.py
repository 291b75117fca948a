"""What tells one latent search from another."""

import torch

from hepad.inference.partial_search import fingerprint, plain_settings
from hepad.losses import MSE, Huber, WeightedSum


def test_losses_differ_by_their_settings() -> None:
    losses = [
        MSE(),
        Huber(),
        Huber(delta=0.5),
        WeightedSum({"a": {"weight": 1.0, "loss": MSE()}, "b": {"weight": 1.0, "loss": Huber()}}),
        WeightedSum({"a": {"weight": 2.0, "loss": MSE()}, "b": {"weight": 1.0, "loss": Huber()}}),
        WeightedSum({"a": {"weight": 1.0, "loss": MSE()}, "b": {"weight": 1.0, "loss": Huber(delta=0.5)}}),
    ]
    assert len({fingerprint(plain_settings(loss), []) for loss in losses}) == len(losses)
    assert fingerprint(plain_settings(Huber(delta=0.5)), []) == fingerprint(plain_settings(losses[2]), [])


def test_every_bit_of_the_entries_counts() -> None:
    x = torch.randn(5, 3)
    changed = x.clone()
    changed[2, 1] = torch.nextafter(changed[2, 1], torch.tensor(9.0))
    assert len({fingerprint(["a"], [values]) for values in (x, changed, x[:4], x.reshape(3, 5))}) == 4
    assert fingerprint(["a"], [x]) != fingerprint(["b"], [x])
    assert fingerprint(["a"], [x]) == fingerprint(["a"], [x.clone()])
