"""Memory that operations give back and take again: kept by the process, not handed to the system each time."""

from functools import cache
from typing import Final

import torch

_LARGEST_KEPT: Final = (32 << 20) - (1 << 16)
"""Just below the largest block by which glibc sets its thresholds, 32 MB (mallopt(3), M_MMAP_THRESHOLD)."""


@cache
def keep_freed_memory() -> None:
    """Let the C library keep what is freed, up to 64 MB, for the next operation.

    At first glibc takes each block above 128 kB from the system, zeroed page by page, and returns it when freed.
    Tensors of a few thousand entries are such blocks: of a dense autoencoder's pass over a million jets these pages
    took a third of the time (docs/performance.md). The threshold rises to the largest block that was ever freed, and
    what is kept to twice as much; so one block is taken and given back here, untouched. Where the user has set
    MALLOC_TRIM_THRESHOLD_ or the like, or with another library, this changes nothing.

    >>> from hepad.core.allocator import keep_freed_memory
    >>> keep_freed_memory()
    """
    torch.empty(_LARGEST_KEPT, dtype=torch.uint8)
