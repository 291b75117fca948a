import random

import numpy as np
import torch

from hepad.callbacks.resume_point import random_state, set_random_state


def draws():
    return torch.rand(3).tolist(), np.random.random(3).tolist(), random.random(), random.gauss(0, 1)  # noqa: NPY002


def test_every_generator_goes_on_where_it_was_also_through_a_checkpoint(tmp_path):
    random.gauss(0, 1)  # leaves a second draw in store
    torch.save(random_state(), tmp_path / "state.ckpt")
    expected = draws()
    assert draws() != expected
    set_random_state(torch.load(tmp_path / "state.ckpt", weights_only=True))
    assert draws() == expected


def test_of_several_processes_with_a_gpu_each_all_go_on_with_the_numbers_of_the_one_that_wrote(monkeypatch):
    # Each has its own GPU, the current one; the state of the others' is that of generators it never used.
    on_gpu = {"writer": torch.tensor([1, 2], dtype=torch.uint8), "other": torch.tensor([9, 9], dtype=torch.uint8)}
    process = "writer"
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda: on_gpu[process])
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state: on_gpu.update({process: state}))
    state = random_state()
    process = "other"
    set_random_state(state)
    assert torch.equal(on_gpu["other"], on_gpu["writer"])


def test_a_state_with_a_gpu_is_taken_where_there_is_none(monkeypatch):
    state = {**random_state(), "cuda": [torch.zeros(2, dtype=torch.uint8)]}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    set_random_state(state)
