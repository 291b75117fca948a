"""The state of every global random generator, as plain values that a checkpoint may hold."""

import random
from typing import Any

import numpy as np
import torch


def random_state() -> dict[str, Any]:
    """Return the state of torch's (CPU and, once used, every GPU), NumPy's and Python's generators.

    Tensors and plain lists only: a checkpoint is read with `weights_only=True`.
    """
    # The generator that code without one of its own draws from; there is no newer way to ask for its state.
    numpy_state = dict(np.random.get_state(legacy=False))  # noqa: NPY002
    version, words, gauss = random.getstate()
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [],  # type: ignore[no-untyped-call]
        "numpy": [np.asarray(numpy_state["state"]["key"]).tolist(), int(numpy_state["state"]["pos"])],
        "python": [version, list(words), gauss],
    }


def set_random_state(state: dict[str, Any]) -> None:
    """Put every generator back where `random_state` found it; GPUs only where there are as many as then."""
    torch.set_rng_state(state["torch"])
    if state["cuda"] and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
    key, position = state["numpy"]
    np.random.set_state(("MT19937", np.asarray(key, dtype=np.uint32), position, 0, 0.0))  # noqa: NPY002
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
