"""Sinkhorn divergence: entropic optimal transport between two sets of objects."""

import torch
from torch import Tensor

from hepad.losses.point_clouds import PointCloudLoss, squared_distances

_SHRINK = 0.5


class Sinkhorn(PointCloudLoss):
    """S_ε(a, b) = OT_ε(a, b) − ½ OT_ε(a, a) − ½ OT_ε(b, b), 0 for two equal sets (Feydy et al., arXiv:1810.08278).

    OT_ε = min over P of Σ P_ij C_ij + ε KL(P ‖ a ⊗ b), where P moves the weights a_i of one set to the weights b_j of
    the other (Cuturi, arXiv:1306.0895). Of constituents of a jet (`pt`), the weights are shares of pT and
    C = Δη² + Δφ², so that without ε it is the energy mover's distance with squared angles (Komiske, Metodiev, Thaler,
    arXiv:1902.02346); of other objects, equal weights and ‖x_i − x̂_j‖² over all columns in normalised units.

    A fixed number of steps in the log domain, half of the way to f_i = −ε ln Σ_j b_j exp((g_j − C_ij)/ε), and to g in
    the same way; ε falls by half in each, from the largest cost of the pair of sets to what it is. The gradient is that
    of the optimum: f, g and P are what the value changes by with a, b and C, and no step is differentiated.

    Args:
        pt: what the first column is (`PointCloudLoss`); None for objects of any kind.
        momentum: weight of the term of four-momenta (`PointCloudLoss`), where `pt` says that there are any.
        epsilon: ε in the unit of C: √ε is the distance below which details are blurred.
        iterations: steps.

    Raises:
        ValueError: an ε that is not positive, or no steps.

    >>> import torch
    >>> from hepad.losses import Sinkhorn
    >>> x = torch.tensor([[[0.0, 0.0], [1.0, 0.0]]])
    >>> Sinkhorn()(x.flip(1), x), Sinkhorn(epsilon=1e-3)(x + 0.5, x)
    (tensor([0.]), tensor([0.5000]))
    """

    def __init__(
        self, pt: str | None = None, momentum: float = 0.0, epsilon: float = 0.01, iterations: int = 20
    ) -> None:
        super().__init__(pt, momentum)
        if not epsilon > 0:
            raise ValueError(f"epsilon={epsilon}; a positive number is needed")
        if iterations < 1:
            raise ValueError(f"iterations={iterations}; at least 1 is needed")
        self.epsilon, self.iterations = epsilon, iterations

    def distance(self, x_hat: Tensor, x: Tensor, mask: Tensor) -> Tensor:
        """Return the divergences `(B,)`."""
        a, b = self.log_weights(x, mask), self.log_weights(x_hat, mask)
        if self.pt is not None:
            x_hat, x = self.raw(x_hat)[..., 1:], self.raw(x)[..., 1:]
        pairs = mask.unsqueeze(2) & mask.unsqueeze(1)
        between, of_x, of_x_hat = (
            torch.where(pairs, squared_distances(to, of), torch.zeros(()).to(x))
            for to, of in ((x_hat, x), (x, x), (x_hat, x_hat))
        )
        itself = 0.5 * (self.transport(of_x, a, a) + self.transport(of_x_hat, b, b))
        return (self.transport(between, a, b) - itself).clamp(min=0)

    def transport(self, cost: Tensor, log_a: Tensor, log_b: Tensor) -> Tensor:
        """Return OT_ε `(B,)`, differentiable as at the optimum.

        Args:
            cost: `(B, S, S)`, 0 or above, finite; symmetric where `log_b` is `log_a`.
            log_a: `(B, S)` logarithms of the weights along the rows; −`FAR` where there is no object.
            log_b: `(B, S)` those along the columns.
        """
        f, g = transport_potentials(
            cost.detach(), log_a.detach(), log_b.detach(), self.epsilon, self.iterations, symmetric=log_a is log_b
        )
        plan = (f.unsqueeze(2) + g.unsqueeze(1) - cost.detach()) / self.epsilon
        # No more than everything can be moved, whatever rounding makes of potentials of huge costs.
        plan = (plan + log_a.detach().unsqueeze(2) + log_b.detach().unsqueeze(1)).clamp(max=0).exp()
        moved = (plan * (cost - cost.detach())).flatten(1).sum(dim=1)
        return (log_a.exp() * f).sum(dim=1) + (log_b.exp() * g).sum(dim=1) + moved


def transport_potentials(
    cost: Tensor, log_a: Tensor, log_b: Tensor, epsilon: float | Tensor, iterations: int, symmetric: bool = False
) -> tuple[Tensor, Tensor]:
    """Return the potentials f and g `(B, S)` of entropic transport; the plan is a_i b_j exp((f_i + g_j − C_ij)/ε).

    Args:
        cost: `(B, S, T)`, 0 or above.
        log_a: `(B, S)` logarithms of the weights along the rows.
        log_b: `(B, T)` those along the columns.
        epsilon: ε in the unit of the costs, one number for all.
        iterations: steps, the last of them a whole one.
        symmetric: a set and itself, of which f and g are the same, and half of the work.

    >>> import torch
    >>> from hepad.losses.sinkhorn import transport_potentials
    >>> cost, log_a = torch.tensor([[[0.0, 1.0], [1.0, 0.0]]]), torch.full((1, 2), 0.5).log()
    >>> f, g = transport_potentials(cost, log_a, log_a, epsilon=0.1, iterations=20)
    >>> (0.25 * torch.exp((f.unsqueeze(2) + g.unsqueeze(1) - cost) / 0.1)).round(decimals=3)
    tensor([[[0.5000, 0.0000],
             [0.0000, 0.5000]]])
    """
    wide = cost.amax(dim=(1, 2)).clamp(min=epsilon).unsqueeze(1)
    f, g = torch.zeros_like(log_a), torch.zeros_like(log_b)
    for step in range(iterations):
        over = wide.unsqueeze(2)
        f_new = g_new = -wide * (log_b.unsqueeze(1) + (g.unsqueeze(1) - cost) / over).logsumexp(dim=2)
        if not symmetric:
            g_new = -wide * (log_a.unsqueeze(2) + (f.unsqueeze(2) - cost) / over).logsumexp(dim=1)
        # Both at once from those of before, and half of the way: so that two equal sets stay equal.
        is_last = step == iterations - 1
        f, g = (f_new, g_new) if is_last else (0.5 * (f + f_new), 0.5 * (g + g_new))
        wide = (wide * _SHRINK).clamp(min=epsilon)
    return f, g
