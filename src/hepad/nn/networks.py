"""Choosing an encoder and decoder by name."""

from collections.abc import Sequence
from typing import Final

from hepad.nn.conv_encoder_decoder import ConvEncoderDecoder
from hepad.nn.encoder_decoder import DenseEncoderDecoder, EncoderDecoder, TimeDistributedEncoderDecoder
from hepad.nn.sizes import check_sizes

NETWORKS: Final = ("dense", "time_distributed", "conv")

_BY_AXES: Final = {1: "dense", 2: "time_distributed", 3: "conv"}
_AXES: Final = {"time_distributed": 2, "conv": 3}
_HIDDEN: Final = {"dense": (16,), "time_distributed": (16,), "conv": (16, 32)}


def encoder_decoder(
    network: str,
    entry_shape: Sequence[int],
    encoded: int,
    latent: int,
    hidden: Sequence[int] | None,
    activation: str,
    dropout: float,
    circular: bool,
) -> EncoderDecoder:
    """Build an encoder and decoder for entries of a given shape.

    Args:
        network: one of `NETWORKS`, or `auto`: `dense` for vectors, `time_distributed` for events, `conv` for images.
            `dense` takes any entry, flattened.
        entry_shape: shape of one entry.
        encoded: width of the encoder's output.
        latent: width of the code, the decoder's input.
        hidden: widths of the encoder's layers (channels for `conv`), mirrored in the decoder; None for the network's
            own.
        activation: name of the activation function.
        dropout: probability of dropping a hidden unit.
        circular: `conv` treats φ (H) as the ring it is; of no meaning to the others.

    Raises:
        ValueError: an unknown network, one that cannot take such entries, or a value no layer accepts.
    """
    name = _BY_AXES[len(entry_shape)] if network == "auto" else network
    if name not in NETWORKS:
        raise ValueError(f"network {network!r}; allowed: auto, {', '.join(NETWORKS)}")
    if len(entry_shape) != _AXES.get(name, len(entry_shape)):
        fitting = [other for other in NETWORKS if len(entry_shape) == _AXES.get(other, len(entry_shape))]
        raise ValueError(
            f"network {name!r} cannot take entries of shape {tuple(entry_shape)}; allowed: auto, {', '.join(fitting)}"
        )
    widths = _HIDDEN[name] if hidden is None else hidden
    check_sizes(latent=latent, hidden=widths)
    if name == "conv":
        return ConvEncoderDecoder(entry_shape, encoded, latent, widths, activation, dropout, circular)
    kind = TimeDistributedEncoderDecoder if name == "time_distributed" else DenseEncoderDecoder
    return kind(entry_shape, encoded, latent, widths, activation, dropout)
