"""Scores by searching the code, and weights, with which a generator reproduces an entry best."""

import math
from collections.abc import Callable, Iterator
from typing import Final

import torch
from torch import Tensor

from hepad.core.float32 import exact_float32
from hepad.inference.blocks import CPU_BLOCK_BYTES, CPU_BLOCK_COPIES, bytes_per_copy, in_threads
from hepad.inference.descent import Descent, Loss, movable_share
from hepad.inference.frozen import frozen, moving_weights
from hepad.inference.search import SearchResult, search_block
from hepad.inference.search_settings import SearchSettings
from hepad.inference.stacked import StackedNetwork
from hepad.losses import MSE
from hepad.nn import LatentNetwork

DEFAULT_MEMORY: Final = 2e9

_WORTH_A_RECORDING: Final = 3


class LatentSearch:
    """For each entry x and each restart j: z_j and an own copy θ_j of the generator's weights descend together.

    Both take `steps` updates by the gradient of l(G_θ(z), x), with rates γ_z and γ_θ; the score is the mean over
    restarts of the loss after the last. Every restart of every entry starts from the trained weights: copies are made
    from them and the network itself is never changed, so nothing one entry did can reach another. All is computed in
    eval mode, in float32 without TF32.

    Entries are searched in blocks, all restarts of all of a block's entries at once. A block is as large as `memory`
    allows, and on a CPU no larger than what its cache holds: with weights that move, a step is one pass over them,
    their gradients and moments, and bound by the speed of memory.

    Args:
        generator: the network, its code's shape.
        settings: the numbers.
        loss: `(B, …), (B, …), mask -> (B,)`; None for the mean squared error.
        memory: bytes that all blocks that are searched at a time may take together.
        dtype, device: of the search.

    Raises:
        ValueError: `memory` is too small for one entry.

    >>> import torch
    >>> from hepad.inference import LatentSearch, SearchSettings
    >>> from hepad.nn import LatentNetwork
    >>> _ = torch.manual_seed(0)
    >>> generator = torch.nn.Linear(2, 5)
    >>> made, strange = generator(torch.randn(3, 2)).detach(), torch.randn(3, 5)
    >>> settings = SearchSettings(steps=100, gamma_z=0.1, gamma_theta=0)
    >>> search = LatentSearch(LatentNetwork(generator, latent_shape=(2,), unit_normal_prior=True), settings)
    >>> found = search(torch.cat([made, strange]), start=torch.randn(6, 3, 2))
    >>> found.trace.shape
    torch.Size([6, 3, 101])
    >>> found.scores("mean") > 0.01
    tensor([False, False, False,  True,  True,  True])
    """

    @exact_float32()
    def __init__(
        self,
        generator: LatentNetwork,
        settings: SearchSettings | None = None,
        loss: Loss | None = None,
        memory: float = DEFAULT_MEMORY,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        self.settings = settings or SearchSettings()
        self.loss = loss or MSE()
        self.generator = generator
        self.latent_shape = generator.latent_shape
        self.dtype = dtype
        self.device = torch.device(device)
        # Tensors made under inference mode, as in a test loop, could not be differentiated.
        with torch.inference_mode(False):
            code = torch.zeros(1, *self.latent_shape, dtype=dtype, device=device)
            network = frozen(generator.network, code, fold=self.settings.gamma_theta == 0)
            self.weights = moving_weights(network, code) if self.settings.gamma_theta > 0 else {}
            self.network = StackedNetwork(network, self.weights, code)
            self.descent = Descent(network, self.loss)
            self._recorded = False
            self.bytes_per_entry = self.settings.n_seed * bytes_per_copy(
                network, self.weights, code, adam=self.settings.optimizer == "adam"
            )
            self.entry_shape = network(code).shape[1:]
        # So that NaN is refused too.
        if not self.bytes_per_entry <= memory < math.inf:
            raise ValueError(
                f"memory={memory:.3g} bytes; one entry with {self.settings.n_seed} restarts takes "
                f"{self.bytes_per_entry:.3g}"
            )
        self.block = int(memory // self.bytes_per_entry)
        if self.device.type == "cpu":
            most = max(1, int(CPU_BLOCK_BYTES // self.bytes_per_entry))
            self.block = min(self.block, most, max(1, CPU_BLOCK_COPIES // self.settings.n_seed))
        # Where memory is scarce fewer blocks at a time, not smaller ones: with other blocks a search that was stopped
        # under another number of threads would not go on where it was.
        self._blocks_in_memory = int(memory // (self.block * self.bytes_per_entry))

    def warning(self) -> str | None:
        """Return what is wrong with γ_θ: that most weights are too large for such a step to change them."""
        step = self.settings.gamma_theta
        if step == 0 or self.settings.optimizer != "adam":
            return None
        share = movable_share(self.weights.values(), step)
        if share > 0.5:
            return None
        return (
            f"gamma_theta={step:g} is below what {str(self.dtype).removeprefix('torch.')} resolves for "
            f"{1 - share:.0%} of the weights: they cannot move; gamma_theta=0 gives nearly the same scores much faster"
        )

    @property
    def n_threads(self) -> int:
        """Number of blocks searched at a time."""
        return min(torch.get_num_threads(), self._blocks_in_memory) if self.device.type == "cpu" else 1

    def blocks(self, n_entries: int) -> list[slice]:
        """Return the blocks in which so many entries are searched."""
        return [slice(start, min(start + self.block, n_entries)) for start in range(0, n_entries, self.block)]

    @exact_float32()
    def search(self, x: Tensor, start: Tensor, mask: Tensor | None = None) -> SearchResult:
        """Search one block.

        Args:
            x: `(E, *entry_shape)` entries as the network makes them (normalised).
            start: `(E, n_seed, *latent_shape)` codes to start from.
            mask: `(E, S)` slots that count; None for all.

        Raises:
            ValueError: other shapes.
        """
        self._check_shapes(x, start, mask)
        if len(x) == 0:
            return self._nothing()
        with torch.inference_mode(False):
            x, start = (tensor.to(self.device, self.dtype, copy=True) for tensor in (x, start))
            mask = None if mask is None else mask.to(self.device, copy=True)
            if self._recorded and not self.weights and len(x) == self.block:
                n_seed = self.settings.n_seed
                masks = None if mask is None else mask.repeat_interleave(n_seed, dim=0)
                self.descent.record(start.flatten(0, 1), x.repeat_interleave(n_seed, dim=0), masks)
            found = search_block(self.network, x, start, mask, self.settings, self.descent)
        return SearchResult(*(field.cpu() for field in found))

    def search_blocks(
        self, n_entries: int, search_rows: Callable[[slice], SearchResult], n_done: int = 0
    ) -> Iterator[tuple[slice, SearchResult]]:
        """Yield rows and findings of one block after the other.

        On a CPU as many blocks are searched at a time as PyTorch has threads, each by one: operations on what fits
        into a cache are too short to be shared between threads.

        Args:
            n_entries: entries in all.
            search_rows: calls `search` for the entries of some rows; several threads may call it.
            n_done: entries that were searched before, in such blocks.
        """
        blocks = self.blocks(n_entries)
        self._recorded = len(blocks) > _WORTH_A_RECORDING
        if self._recorded:
            with torch.inference_mode(False), exact_float32():
                self.network.record(self.block * self.settings.n_seed)
        left = [rows for rows in blocks if rows.start >= n_done]
        # The first block alone: PyTorch imports parts of itself when an optimiser is first made, not for several
        # threads at once.
        yield from ((rows, search_rows(rows)) for rows in left[:1])
        yield from in_threads(search_rows, left[1:], self.n_threads)

    def __call__(self, x: Tensor, start: Tensor, mask: Tensor | None = None) -> SearchResult:
        """Search all entries, block by block; arguments and errors as for `search`."""
        self._check_shapes(x, start, mask)
        if len(x) == 0:
            return self._nothing()

        def search_rows(rows: slice) -> SearchResult:
            return self.search(x[rows], start[rows], None if mask is None else mask[rows])

        found = [result for _, result in self.search_blocks(len(x), search_rows)]
        return SearchResult(*(torch.cat(fields) for fields in zip(*found, strict=True)))

    def _check_shapes(self, x: Tensor, start: Tensor, mask: Tensor | None) -> None:
        n_entries, n_seed = len(x), self.settings.n_seed
        wanted = {"x": (n_entries, *self.entry_shape), "start": (n_entries, n_seed, *self.latent_shape)}
        for name, tensor in (("x", x), ("start", start)):
            if tensor.shape != wanted[name]:
                raise ValueError(f"{name} is {tuple(tensor.shape)}; {wanted[name]} is needed")
        if mask is not None and mask.shape != x.shape[:2]:
            raise ValueError(f"mask is {tuple(mask.shape)}; {tuple(x.shape[:2])} is needed")

    def _nothing(self) -> SearchResult:
        """Return the findings of no entries."""
        shape = (0, self.settings.n_seed)
        return SearchResult(
            trace=torch.empty(*shape, self.settings.steps + 1, dtype=self.dtype),
            code=torch.empty(*shape, *self.latent_shape, dtype=self.dtype),
            made=torch.empty(*shape, *self.entry_shape, dtype=self.dtype),
            steps=torch.empty(shape, dtype=torch.long),
            moved=torch.empty(shape, dtype=self.dtype),
            failed=torch.empty(shape, dtype=torch.bool),
        )
