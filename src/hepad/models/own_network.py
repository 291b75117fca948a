"""Networks of a user's own in the place of an encoder and decoder that a model chooses by name."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from hepad.config.registry import instantiate
from hepad.nn import encoder_decoder
from hepad.nn.encoder_decoder import EncoderDecoder


def chosen_network(
    network: str | Mapping[str, Any], entry_shape: Sequence[int], encoded: int, latent: int, **settings: Any
) -> EncoderDecoder:
    """Return the encoder and decoder of a name (`hepad.nn.encoder_decoder`), or those of a config `{_target_: …}`.

    A network of a user's own is a module with the methods `encode` and `decode`, or with two modules `encoder` and
    `decoder`: from normalised entries `(B, *entry_shape)` to codes, and back.

    Args:
        network: a name, or the config of a module.
        entry_shape: shape of one entry.
        encoded: how many numbers its encoder must give.
        latent: how many its decoder is given.
        settings: of the networks that have a name; of no meaning for others.

    Raises:
        ValueError: a module that is no such network, or one of other sizes.
    """
    if isinstance(network, str):
        return encoder_decoder(network, entry_shape, encoded, latent, **settings)
    built = instantiate(dict(network))
    name = type(built).__name__
    if not isinstance(built, nn.Module):
        raise ValueError(f"network {name} is no torch.nn.Module")
    found = built if isinstance(built, EncoderDecoder) else _OwnEncoderDecoder(built)
    _check(found, name, tuple(entry_shape), encoded, latent)
    return found


class _OwnEncoderDecoder(EncoderDecoder):
    """A module with `encode` and `decode`, or with `encoder` and `decoder`."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        has = all(callable(getattr(module, name, None)) for name in ("encode", "decode"))
        self.names = ("encode", "decode") if has else ("encoder", "decoder")
        if not all(callable(getattr(module, name, None)) for name in self.names):
            raise ValueError(f"network {type(module).__name__} has neither encode and decode nor encoder and decoder")

    def encode(self, z: Tensor) -> Tensor:
        """Return the codes of normalised entries."""
        code: Tensor = getattr(self.module, self.names[0])(z)
        return code

    def decode(self, code: Tensor) -> Tensor:
        """Return normalised entries for codes."""
        decoded: Tensor = getattr(self.module, self.names[1])(code)
        return decoded


def _check(network: EncoderDecoder, name: str, entry_shape: tuple[int, ...], encoded: int, latent: int) -> None:
    """Raise `ValueError` where entries do not become codes of the wanted width, and codes entries."""
    weight = next(network.parameters(), torch.zeros(()))
    try:
        with torch.no_grad():
            was_training = network.training
            code = network.eval().encode(torch.zeros(2, *entry_shape, device=weight.device, dtype=weight.dtype))
            decoded = network.decode(code[..., :latent])
            network.train(was_training)
    except (RuntimeError, ValueError, TypeError) as error:
        raise ValueError(f"network {name} cannot take entries of shape {entry_shape}: {error}") from error
    if code.shape[-1] != encoded:
        raise ValueError(
            f"network {name} encodes {code.shape[-1]} numbers where the model needs {encoded}; model.latent={latent} "
            "says how wide its code is"
        )
    if tuple(decoded.shape[1:]) != entry_shape:
        raise ValueError(f"network {name} decodes to shape {tuple(decoded.shape[1:])}, entries have {entry_shape}")
