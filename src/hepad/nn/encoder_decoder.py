"""Encoders and decoders whose code is a layer of its own: what variational, denoising and sparse models train."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, nn

from hepad.nn.dense import mlp


class LatentNetwork(NamedTuple):
    """A generator or a decoder.

    Attributes:
        network: maps codes `(B, *latent_shape)` to normalised entries `(B, *entry_shape)`; in eval mode every entry
            depends on its own code alone. It must work under `torch.func.functional_call` and `vmap`.
        latent_shape: shape of one code.
        unit_normal_prior: whether codes are drawn from N(0, 1); False where the model promises no distribution of its
            codes, as a plain autoencoder.

    >>> import torch
    >>> from hepad.nn import LatentNetwork
    >>> found = LatentNetwork(torch.nn.Linear(8, 17), latent_shape=(8,), unit_normal_prior=True)
    >>> found.network(torch.randn(4, *found.latent_shape)).shape
    torch.Size([4, 17])
    """

    network: nn.Module
    latent_shape: tuple[int, ...]
    unit_normal_prior: bool


class EncoderDecoder(nn.Module, ABC):
    """An encoder and a decoder with a linear code between them.

    What becomes of the code (an activation, a random draw, a penalty) is the model's business; so the encoder's
    output and the decoder's input need not be equally wide.
    """

    @abstractmethod
    def encode(self, z: Tensor) -> Tensor:
        """Return the code of normalised entries `(B, *entry_shape)`: `(B, E)`, or `(B, S, E)`, one per slot."""

    @abstractmethod
    def decode(self, code: Tensor) -> Tensor:
        """Return normalised entries `(B, *entry_shape)` for codes `(B, L)` or `(B, S, L)`."""


class DenseEncoderDecoder(EncoderDecoder):
    """Multilayer perceptrons on whole entries, flattened.

    Args:
        entry_shape: shape of one entry, of any number of axes.
        encoded: width E of the encoder's output.
        latent: width L of the decoder's input.
        hidden: widths of the encoder's hidden layers, mirrored in the decoder.
        activation: name of the activation function.
        dropout: probability of dropping a hidden unit.
    """

    def __init__(
        self,
        entry_shape: Sequence[int],
        encoded: int,
        latent: int,
        hidden: Sequence[int],
        activation: str,
        dropout: float,
    ) -> None:
        super().__init__()
        self.entry_shape = tuple(entry_shape)
        size = math.prod(entry_shape)
        self.encoder = mlp([size, *hidden, encoded], activation, dropout)
        self.decoder = mlp([latent, *reversed(hidden), size], activation, dropout)

    def encode(self, z: Tensor) -> Tensor:
        """Return `(B, E)`."""
        code: Tensor = self.encoder(z.flatten(1))
        return code

    def decode(self, code: Tensor) -> Tensor:
        """Return `(B, *entry_shape)`."""
        decoded: Tensor = self.decoder(code)
        return decoded.reshape(*decoded.shape[:-1], *self.entry_shape)


class TimeDistributedEncoderDecoder(DenseEncoderDecoder):
    """One and the same pair of perceptrons on every slot of an event; arguments as for `DenseEncoderDecoder`."""

    def __init__(
        self,
        entry_shape: Sequence[int],
        encoded: int,
        latent: int,
        hidden: Sequence[int],
        activation: str,
        dropout: float,
    ) -> None:
        super().__init__(entry_shape[-1:], encoded, latent, hidden, activation, dropout)

    def encode(self, z: Tensor) -> Tensor:
        """Return `(B, S, E)`."""
        code: Tensor = self.encoder(z)
        return code
