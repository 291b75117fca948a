import random

import numpy as np
import torch

from hepad.callbacks.random_state import random_state, set_random_state


def draws():
    return torch.rand(3).tolist(), np.random.random(3).tolist(), random.random(), random.gauss(0, 1)  # noqa: NPY002


def test_every_generator_goes_on_where_it_was_also_through_a_checkpoint(tmp_path):
    random.gauss(0, 1)  # leaves a second draw in store
    torch.save(random_state(), tmp_path / "state.ckpt")
    expected = draws()
    assert draws() != expected
    set_random_state(torch.load(tmp_path / "state.ckpt", weights_only=True))
    assert draws() == expected
