"""Perceptrons and the dense autoencoder network, with the sizes of layers and activations by name."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

from torch import Tensor, nn

_NARROWEST_HIDDEN: Final = 16
_LARGEST_WIDTH: Final = 256


def hidden_widths(hidden: Sequence[int] | None, n_features: int) -> Sequence[int]:
    """Return the widths of hidden layers: those given, else one layer about as wide as the features, and at least 16.

    >>> hidden_widths(None, 17), hidden_widths(None, 5), hidden_widths(None, 40), hidden_widths([9, 6], 17)
    ([16], [16], [39], [9, 6])
    """
    return [max(_NARROWEST_HIDDEN, n_features - 1)] if hidden is None else hidden


def code_width(latent: int | None, n_features: int, part: int = 2) -> int:
    """Return the width of a code of `n_features`: the one given, else a `part`-th of them, so that it has to choose.

    >>> code_width(None, 17), code_width(None, 5), code_width(None, 17, part=4), code_width(3, 17)
    (8, 2, 4, 3)
    """
    return max(1, n_features // part) if latent is None else latent


def check_sizes(**sizes: int | Sequence[int]) -> None:
    """Raise `ValueError` for a size, or one among several, that is no whole number or below 1."""
    for name, given in sizes.items():
        one = isinstance(given, int | float | str)
        if not all(isinstance(size, int) and size >= 1 for size in ([given] if one else given)):  # type: ignore[union-attr]
            shown = given if one else list(given)  # type: ignore[arg-type]
            raise ValueError(f"{name}={shown}; whole numbers of at least 1 are needed")


def halved_sizes(size: Sequence[int], smallest: int) -> list[tuple[int, ...]]:
    """Return the sizes of an image halved, rounding up, until its shorter side is at most `smallest`.

    How many there are is how deep a network of such images has to be for its last layers to see all of one, and for the
    layer to the code to stay small.

    >>> halved_sizes((18, 14), 7)
    [(18, 14), (9, 7)]
    >>> halved_sizes((72, 58), 7)
    [(72, 58), (36, 29), (18, 15), (9, 8), (5, 4)]

    Args:
        size: height and width.
        smallest: in pixels, at least 1.
    """
    sizes = [tuple(size)]
    while min(sizes[-1]) > smallest:
        sizes.append(tuple(-(-n // 2) for n in sizes[-1]))
    return sizes


def growing_widths(first: int, n: int) -> list[int]:
    """Return `n` numbers of channels that double from `first` on, none above 256.

    An image that is halved has a quarter of its pixels; twice the channels keep half of its numbers.

    >>> growing_widths(32, 5)
    [32, 64, 128, 256, 256]
    """
    return [min(first * 2**i, _LARGEST_WIDTH) for i in range(n)]


ACTIVATIONS: Final[dict[str, Callable[[], nn.Module]]] = {
    "relu": nn.ReLU,
    "leaky_relu": lambda: nn.LeakyReLU(0.2),
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
}


def make_activation(name: str) -> nn.Module:
    """Return a new activation module; raise `ValueError` naming the allowed ones."""
    if name not in ACTIVATIONS:
        raise ValueError(f"activation {name!r}; allowed: {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]()


def batch_norm(width: int) -> nn.BatchNorm1d:
    """Return a batch normalisation with the settings of Keras, in which the workshop's networks were written.

    PyTorch's own momentum of 0.1 follows the last ten batches. A count that is almost always 0 (`nElectrons`) then
    loses its variance between two electrons, and the next electron comes out hundreds of times too large.
    """
    return nn.BatchNorm1d(width, eps=1e-3, momentum=0.01)


class DenseAutoencoderNet(nn.Module):
    """A symmetric multilayer autoencoder with batch normalisation.

    With `hidden=[16]`, `latent=8`, 17 features and `input_norm` this is the network of the AD4HEP workshop:
    BN → 16 → BN → dropout → 8 → BN → 16 → BN → 17, each layer followed by the activation but for the linear output.
    Without `input_norm` the first BN is left out, for input that is normalised already.

    Args:
        n_features: size F of an input vector.
        hidden: widths of the encoder's hidden layers; the decoder mirrors them.
        latent: width of the code.
        dropout: probability of dropping a unit just before the code.
        activation: name of the activation function.
        input_norm: start with a batch normalisation of the input.

    >>> import torch
    >>> from hepad.nn import DenseAutoencoderNet
    >>> network = DenseAutoencoderNet(17, hidden=[16], latent=8, dropout=0.1, activation="relu")
    >>> jets = torch.randn(4, 17)
    >>> network.encoder(jets).shape, network(jets).shape
    (torch.Size([4, 8]), torch.Size([4, 17]))
    """

    def __init__(
        self,
        n_features: int,
        hidden: Sequence[int],
        latent: int,
        dropout: float,
        activation: str,
        input_norm: bool = False,
    ) -> None:
        super().__init__()
        check_sizes(hidden=hidden, latent=latent)
        encoder: list[nn.Module] = [batch_norm(n_features)] if input_norm else []
        width = n_features
        for size in hidden:
            encoder += [nn.Linear(width, size), make_activation(activation), batch_norm(size)]
            width = size
        encoder += [nn.Dropout(dropout), nn.Linear(width, latent), make_activation(activation)]
        decoder: list[nn.Module] = [batch_norm(latent)]
        width = latent
        for size in reversed(hidden):
            decoder += [nn.Linear(width, size), make_activation(activation), batch_norm(size)]
            width = size
        decoder.append(nn.Linear(width, n_features))
        self.encoder = nn.Sequential(*encoder)
        self.decoder = nn.Sequential(*decoder)

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstruction `(B, F)` of `x` `(B, F)`."""
        reconstruction: Tensor = self.decoder(self.encoder(x))
        return reconstruction


def mlp(widths: Sequence[int], activation: str, dropout: float = 0.0) -> nn.Sequential:
    """Return linear layers of the given `widths`, input first, with a linear output.

    It acts on the last axis, so the same network serves `(B, F)` vectors and every slot of `(B, S, F)` events. There
    is no batch normalisation: empty slots would enter its statistics.

    Args:
        widths: sizes of the input, the hidden layers and the output.
        activation: name of the activation function after every layer but the last.
        dropout: probability of dropping a hidden unit.

    Raises:
        ValueError: a width below 1.

    >>> import torch
    >>> from hepad.nn import mlp
    >>> network = mlp([17, 16, 8], "relu")
    >>> network(torch.zeros(4, 17)).shape, network(torch.zeros(4, 5, 17)).shape
    (torch.Size([4, 8]), torch.Size([4, 5, 8]))
    """
    check_sizes(layers=widths)
    layers: list[nn.Module] = []
    for i, (n_in, n_out) in enumerate(pairwise(widths)):
        layers.append(nn.Linear(n_in, n_out))
        if i < len(widths) - 2:
            layers.append(make_activation(activation))
            if dropout:
                layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers)
