"""Float32 that is float32, on a GPU too: convolutions and matrix products without TF32."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import torch

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
    """How many are computing exactly, on all threads, and what was set before the first of them."""

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
