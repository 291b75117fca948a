"""The distribution of the codes that an autoencoder gives, given what is known of an entry: affine couplings.

Not those of `hepad.nn.flows`: these need zuko, an extra, and a model of showers needs none.
"""

import torch
from torch import Tensor, nn

from hepad.nn.dense import check_sizes, mlp

_LARGEST_SLOPE = 3.0


class CodeFlow(nn.Module):
    """A flow from codes z of an encoder to N(0, 1), given what is known of an entry (Dinh et al., arXiv:1605.08803).

    A bottleneck leaves its codes near N(0, 1) one by one, not together: where no entry has its code, a decoder draws
    what no entry looks like. Codes drawn from a second model of them, fitted when the encoder is what it is, come from
    where entries are (Dai and Wipf, arXiv:1903.05789; of showers Buhmann et al., arXiv:2102.12491).

    In each step some variables are scaled and shifted by what a perceptron makes of the others: the k-th pair of steps
    takes those apart whose number differs in its k-th binary digit, so that any two variables meet.

    Args:
        size: width L of a code.
        known: width K of what is known.
        hidden: width of the perceptrons' two layers.
        activation: name of the activation function.

    >>> import torch
    >>> from hepad.nn.code_flow import CodeFlow
    >>> _ = torch.manual_seed(0)
    >>> flow = CodeFlow(5, 2, 8, "relu")
    >>> code, known = torch.randn(4, 5), torch.randn(4, 2)
    >>> latent, log_slope = flow(code, known)
    >>> torch.allclose(flow.inverse(latent, known), code, atol=1e-5), log_slope.shape
    (True, torch.Size([4]))
    """

    moved: Tensor

    def __init__(self, size: int, known: int, hidden: int, activation: str) -> None:
        super().__init__()
        check_sizes(latent=size, hidden=hidden)
        number = torch.arange(size)
        digits = [(number >> k) % 2 == 1 for k in range(max(1, (size - 1).bit_length()))]
        self.register_buffer("moved", torch.stack([half for digit in digits for half in (digit, ~digit)]))
        self.parts = nn.ModuleList(mlp([size + known, hidden, hidden, 2 * size], activation) for _ in self.moved)
        with torch.no_grad():
            # It begins by changing nothing.
            for part in self.parts:
                for weight in part[-1].parameters():  # type: ignore[index]
                    weight.zero_()

    def forward(self, code: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """Return the latent points `(B, L)` and ln |slope| `(B,)` of codes `(B, L)`."""
        log_slope = code.new_zeros(len(code))
        for moved, part in zip(self.moved, self.parts, strict=True):
            slope, shift = self._affine(part, moved, code, known)
            code = code * slope.exp() + shift
            log_slope = log_slope + slope.sum(dim=1)
        return code, log_slope

    def inverse(self, latent: Tensor, known: Tensor) -> Tensor:
        """Return the codes `(B, L)` of latent points."""
        for moved, part in reversed(list(zip(self.moved, self.parts, strict=True))):
            slope, shift = self._affine(part, moved, latent, known)
            latent = (latent - shift) * (-slope).exp()
        return latent

    def nll(self, code: Tensor, known: Tensor) -> Tensor:
        """Return −ln p `(B,)` of codes, but for a constant."""
        latent, log_slope = self(code, known)
        values: Tensor = 0.5 * latent.square().sum(dim=1) - log_slope
        return values

    def _affine(self, part: nn.Module, moved: Tensor, values: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        kept = torch.where(moved, torch.zeros_like(values), values)
        slope, shift = part(torch.cat([kept, known], dim=1)).chunk(2, dim=1)
        slope = _LARGEST_SLOPE * torch.tanh(slope / _LARGEST_SLOPE)
        none = torch.zeros_like(slope)
        return torch.where(moved, slope, none), torch.where(moved, shift, none)
