"""The finished part of a latent search, on disk, so that a search that was stopped goes on where it was."""

import hashlib
import io
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor, nn

from hepad.core.files import atomic_write_bytes
from hepad.inference.search import SearchResult

_SECONDS_BETWEEN_WRITES: Final = 20.0


class PartialSearch:
    """Findings of the first entries of a sample, in memory and every now and then in a file.

    Codes and reproductions are not kept: they are large, and no score needs them.

    Args:
        path: the file; it names the search it belongs to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.found: list[SearchResult] = []
        self.n_done = 0
        self._written = time.monotonic()
        # A file that is no whole archive counts as none; numpy would leave it open.
        with (
            suppress(OSError, ValueError, KeyError, EOFError, BadZipFile),
            np.load(io.BytesIO(path.read_bytes())) as file,
        ):
            fields = (torch.from_numpy(file[name]) for name in ("trace", "steps", "moved", "failed"))
            self._add(*fields)

    def add(self, found: SearchResult) -> None:
        """Take the findings of the next entries; write them if the last time is long ago."""
        self._add(found.trace, found.steps, found.moved, found.failed)
        if time.monotonic() - self._written > _SECONDS_BETWEEN_WRITES:
            self.write()

    def write(self) -> None:
        """Write all that was found."""
        found = self.result()
        buffer = io.BytesIO()
        np.savez(
            buffer,
            trace=found.trace.numpy(),
            steps=found.steps.numpy(),
            moved=found.moved.numpy(),
            failed=found.failed.numpy(),
        )
        self.path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write_bytes(self.path, buffer.getvalue())
        self._written = time.monotonic()

    def result(self) -> SearchResult:
        """Return all that was found, without codes and reproductions."""
        return SearchResult(*(torch.cat(fields) for fields in zip(*self.found, strict=True)))

    def _add(self, trace: Tensor, steps: Tensor, moved: Tensor, failed: Tensor) -> None:
        none = torch.empty(len(trace), 0)
        self.found.append(SearchResult(trace, none, none, steps, moved, failed))
        self.n_done += len(trace)


def plain_settings(module: nn.Module) -> list[object]:
    """Return the class and the public attributes of a module and of all it is made of; its `repr` has none of them."""
    return [
        (type(part).__name__, sorted((name, repr(value)) for name, value in vars(part).items() if name[0] != "_"))
        for part in module.modules()
    ]


def fingerprint(words: Iterable[object], tensors: Iterable[Tensor]) -> str:
    """Return 16 hexadecimal digits that change with any of the words (by their `repr`) and any bit of the tensors."""
    digest = hashlib.sha256()
    for word in words:
        digest.update(repr(word).encode())
    for tensor in tensors:
        digest.update(str(tuple(tensor.shape)).encode())
        # As bytes: NumPy has no bfloat16.
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]
