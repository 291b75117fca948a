"""The state of every global random generator, as plain values that a checkpoint may hold."""

import random
from typing import Any

import numpy as np
import torch


def random_state() -> dict[str, Any]:
    """Return the state of torch's (CPU and, once used, this process's GPU), NumPy's and Python's generators.

    Tensors and plain lists only: a checkpoint is read with `weights_only=True`. Of several processes with a GPU each
    all draw the same numbers (`hepad.nn.shared_draws`), so the state of the one that writes is that of all.
    """
    # The generator that code without one of its own draws from; there is no newer way to ask for its state.
    numpy_state = dict(np.random.get_state(legacy=False))  # noqa: NPY002
    version, words, gauss = random.getstate()
    uses_gpu: bool = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    return {
        "torch": torch.get_rng_state(),
        "cuda": [torch.cuda.get_rng_state()] if uses_gpu else [],
        "numpy": [np.asarray(numpy_state["state"]["key"]).tolist(), int(numpy_state["state"]["pos"])],
        "python": [version, list(words), gauss],
    }


def set_random_state(state: dict[str, Any]) -> None:
    """Put every generator back where `random_state` found it; that of a GPU where this process has one."""
    torch.set_rng_state(state["torch"])
    if state["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"][0])
    key, position = state["numpy"]
    np.random.set_state(("MT19937", np.asarray(key, dtype=np.uint32), position, 0, 0.0))  # noqa: NPY002
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
