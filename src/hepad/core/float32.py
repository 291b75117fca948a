"""Precision: float32 that is float32 on a GPU too, and the precision of a training, used again where it scores."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

from hepad.core.batch import Batch
from hepad.core.errors import UserError

_EXACT: Final = "ieee"


@dataclass(frozen=True)
class Float32Precision:
    """PyTorch's settings of how float32 is computed, in both of its two ways to say so.

    Attributes:
        matmul: of `torch.set_float32_matmul_precision`; None where the two ways contradict each other.
        cudnn_tf32: `torch.backends.cudnn.allow_tf32`; None where the two ways contradict each other.
        per_operation: `fp32_precision` of each kind of operation, in the order of `_operations`.
    """

    matmul: str | None
    cudnn_tf32: bool | None
    per_operation: tuple[str, ...]

    @classmethod
    def now(cls) -> "Float32Precision":
        """Return the settings as they are."""
        return cls(_matmul(), _cudnn_tf32(), tuple(part.fp32_precision for part in _operations()))

    def set(self) -> None:
        """Set what is known of the older way first: it sets the newer one too."""
        if self.matmul is not None:
            torch.set_float32_matmul_precision(self.matmul)
        if self.cudnn_tf32 is not None:
            torch.backends.cudnn.allow_tf32 = self.cudnn_tf32
        for part, value in zip(_operations(), self.per_operation, strict=True):
            part.fp32_precision = value


class _Users:
    """Number of those computing exactly, on all threads, and the settings before the first of them."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.number = 0
        self.before: Float32Precision | None = None


_USERS: Final = _Users()


@contextmanager
def exact_float32() -> Iterator[None]:
    """Compute float32 with all of its 24 bits, also in convolutions and matrix products on a GPU.

    cuDNN rounds the factors of a convolution to TF32, 11 bits, unless told otherwise: scores then differ from those of
    a CPU by 1e-4 of their size instead of 1e-6. What the user has set comes back afterwards. May be nested, used by
    several threads, and as a decorator.
    """
    with _USERS.lock:
        _USERS.number += 1
        if _USERS.number == 1:
            _USERS.before = Float32Precision.now()
            Float32Precision("highest", False, tuple(_EXACT for _ in _operations())).set()
    try:
        yield
    finally:
        with _USERS.lock:
            _USERS.number -= 1
            if _USERS.number == 0 and _USERS.before is not None:
                _USERS.before.set()


def _operations() -> tuple[Any, ...]:
    # What sets them is made when torch is imported, where a type checker does not see it.
    cudnn: Any = torch.backends.cudnn
    cuda: Any = torch.backends.cuda
    mkldnn: Any = torch.backends.mkldnn
    return cudnn.conv, cudnn.rnn, cuda.matmul, mkldnn.conv, mkldnn.rnn, mkldnn.matmul


def _matmul() -> str | None:
    try:
        return torch.get_float32_matmul_precision()
    except RuntimeError:
        return None


def _cudnn_tf32() -> bool | None:
    try:
        return bool(torch.backends.cudnn.allow_tf32)
    except RuntimeError:
        return None


FLOAT32: Final = "32-true"

_WEIGHTS: Final = {"64-true": torch.float64, "16-true": torch.float16, "bf16-true": torch.bfloat16}
_AUTOCAST: Final = {"16-mixed": torch.float16, "bf16-mixed": torch.bfloat16}
PRECISIONS: Final = (FLOAT32, *_WEIGHTS, *_AUTOCAST)
"""As Lightning's trainer calls them."""


def known_precision(precision: Any) -> str:
    """Return a precision that a checkpoint names; raise `UserError` for anything else."""
    if precision not in PRECISIONS:
        raise UserError(f"the checkpoint names a precision that is none; allowed: {', '.join(PRECISIONS)}")
    return str(precision)


def weight_dtype(precision: str) -> torch.dtype:
    """Return the type of the weights: that of `…-true`, float32 where only layers are computed in another."""
    return _WEIGHTS.get(precision, torch.float32)


def in_precision(batch: Batch, precision: str) -> Batch:
    """Return the batch with its entries in the type of the weights."""
    return batch._replace(x=batch.x.to(weight_dtype(precision))) if precision in _WEIGHTS else batch


def at_least_float32(values: Tensor) -> Tensor:
    """Return numbers as float32 where they are in half precision, for whoever counts, writes or draws them."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


@contextmanager
def computed_in(precision: str, device: str) -> Iterator[None]:
    """Compute a block as Lightning's trainer does in this precision.

    Args:
        precision: one of `PRECISIONS`.
        device: type of the device, such as `cpu`.
    """
    if precision in _AUTOCAST:
        with torch.autocast(device, dtype=_AUTOCAST[precision]):
            yield
        return
    before = torch.get_default_dtype()
    torch.set_default_dtype(weight_dtype(precision))
    try:
        yield
    finally:
        torch.set_default_dtype(before)
