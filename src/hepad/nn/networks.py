"""Choosing an encoder and decoder by name."""

from collections.abc import Sequence
from typing import Final

from hepad.nn.conv_encoder_decoder import ConvEncoderDecoder
from hepad.nn.dense import check_sizes, code_width, growing_widths, halved_sizes, hidden_widths
from hepad.nn.encoder_decoder import DenseEncoderDecoder, EncoderDecoder, TimeDistributedEncoderDecoder

NETWORKS: Final = ("dense", "time_distributed", "conv")

_BY_AXES: Final = {1: "dense", 2: "time_distributed", 3: "conv", 4: "conv"}
_AXES: Final = {"time_distributed": (2,), "conv": (3, 4)}
_HIDDEN_OF_WHOLE_ENTRIES: Final = (16,)
_SMALLEST: Final = 4


def features_per_code(network: object, entry_shape: Sequence[int]) -> int | None:
    """Return the number of features that one code stands for: of a vector, or of one slot of an event.

    None where a code stands for a whole event or image, whose size says little of what there is to code.
    """
    if len(entry_shape) == 1 or (len(entry_shape) == 2 and network in ("auto", "time_distributed")):
        return entry_shape[-1]
    return None


def latent_size(latent: int | None, network: object, entry_shape: Sequence[int], part: int, of_whole: int) -> int:
    """Return the width of a code: the one given, a `part`-th of the features it stands for, or `of_whole` entries'."""
    n_features = features_per_code(network, entry_shape)
    return code_width(of_whole if latent is None and n_features is None else latent, n_features or 0, part)


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
        network: one of `NETWORKS`, or `auto`: `dense` for vectors, `time_distributed` for events, `conv` for images and
            volumes. `dense` takes any entry, flattened.
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

    >>> import torch
    >>> from hepad.nn import encoder_decoder
    >>> settings = {"hidden": None, "activation": "relu", "dropout": 0.0, "circular": True}
    >>> for entry_shape in ((17,), (8, 17), (1, 18, 14)):
    ...     network = encoder_decoder("auto", entry_shape, encoded=4, latent=4, **settings)
    ...     code = network.encode(torch.zeros(2, *entry_shape))
    ...     print(tuple(code.shape), tuple(network.decode(code).shape))
    (2, 4) (2, 17)
    (2, 8, 4) (2, 8, 17)
    (2, 4) (2, 1, 18, 14)
    """
    name = _BY_AXES[len(entry_shape)] if network == "auto" else network
    if name not in NETWORKS:
        raise ValueError(f"network {network!r}; allowed: auto, {', '.join(NETWORKS)}")
    if not _takes(name, len(entry_shape)):
        fitting = [other for other in NETWORKS if _takes(other, len(entry_shape))]
        raise ValueError(
            f"network {name!r} cannot take entries of shape {tuple(entry_shape)}; allowed: auto, {', '.join(fitting)}"
        )
    n_features = features_per_code(name, entry_shape)
    if hidden is None and n_features is None:
        hidden = _conv_channels(entry_shape[1:]) if name == "conv" else _HIDDEN_OF_WHOLE_ENTRIES
    widths = hidden_widths(hidden, n_features or 0)
    check_sizes(latent=latent, hidden=widths)
    if name == "conv":
        return ConvEncoderDecoder(entry_shape, encoded, latent, widths, activation, dropout, circular)
    kind = TimeDistributedEncoderDecoder if name == "time_distributed" else DenseEncoderDecoder
    return kind(entry_shape, encoded, latent, widths, activation, dropout)


def _takes(network: str, axes: int) -> bool:
    """Return whether a network takes entries of so many axes."""
    return network not in _AXES or axes in _AXES[network]


def _conv_channels(size: Sequence[int]) -> list[int]:
    """Return 16, 32, …: a stage for each halving until the shorter side is at most 4 pixels, at least two."""
    return growing_widths(16, max(2, len(halved_sizes(size, _SMALLEST)) - 1))
