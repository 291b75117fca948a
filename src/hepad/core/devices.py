"""The device that scores are computed on, by the words of `trainer.accelerator`."""

from typing import Final

import torch

from hepad.core.errors import UserError

DEVICES: Final = ("auto", "cpu", "gpu", "cuda", "mps")


def scoring_device(word: str = "auto") -> torch.device:
    """Return the device that a word stands for; `auto` is a GPU where there is one, as with `trainer.accelerator=auto`.

    Raises:
        UserError: another word, or a device that PyTorch does not find here.

    >>> scoring_device("cpu")
    device(type='cpu')
    """
    if word not in DEVICES:
        raise UserError(f"device={word}; allowed: {', '.join(DEVICES)}")
    there = [name for name, found in (("cuda", torch.cuda.is_available()), ("mps", _has_mps())) if found]
    if word == "cpu" or (word == "auto" and not there):
        return torch.device("cpu")
    wanted = there if word in ("auto", "gpu") else [name for name in there if name == word]
    if not wanted:
        raise UserError(f"device={word}: PyTorch finds no such device here; device=auto takes a GPU where there is one")
    return torch.device(wanted[0])


def _has_mps() -> bool:
    return bool(torch.backends.mps.is_available())
