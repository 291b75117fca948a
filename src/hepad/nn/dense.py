"""The dense autoencoder network."""

from collections.abc import Sequence

from torch import Tensor, nn

from hepad.nn.activations import activation as make_activation
from hepad.nn.sizes import check_sizes


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
