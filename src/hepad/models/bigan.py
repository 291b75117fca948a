"""The bidirectional GAN."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from torch import Tensor
from torch.nn import functional as F

from hepad.core.batch import Batch
from hepad.core.diagnostics import Diagnostic, Remark
from hepad.losses.adversarial import NonSaturating
from hepad.models.adversarial import AdversarialModel
from hepad.nn.adversarial import GeneratorEncoder

DISCRIMINATOR_SCORES: Final = ("feature_matching", "cross_entropy")
REDUCTIONS: Final = ("mean", "sum")

_DISCRIMINATOR_LR: Final = {1: 4e-4, 2: 4e-4, 3: 1e-4, 4: 1e-4}
"""By the axes of an entry. A discriminator of images that learns faster than this soon sees through G for good."""


class BiGAN(AdversarialModel):
    """G makes entries of codes, E finds codes of entries, D tells pairs (x, E(x)) from (G(z), z).

    Donahue et al., arXiv:1605.09782; Dumoulin et al., arXiv:1606.00704. Where D cannot tell them apart E is the inverse
    of G on what G makes. The score is that of Zenati et al., arXiv:1802.06222,

        A(x) = α·L_G + (1 − α)·L_D,    L_G = ‖x − G(E(x))‖₁

    with L_D one of

    | `discriminator_score` | L_D |
    |---|---|
    | `feature_matching` | ‖f(x, E(x)) − f(G(E(x)), E(x))‖₁, with f the layer before D's logit |
    | `cross_entropy` | −ln σ(D(x, E(x))), cross-entropy with the label of real pairs; not with the hinge |

    `reduction` says whether the norms are sums over elements, as the paper writes, or means, in which L_G and L_D weigh
    the same whatever the size of an entry. E and G are trained together, non-saturating or with the hinge, and averaged
    together. Events count the presence of slots among the elements of x.

    An encoder that learns through D alone inverts G roughly. Two more terms, which D never sees, make it do so,

        code_inverse · ‖E(sg G(z)) − z‖²  +  reconstruction · ‖x − G(E(x))‖₁

    both as means over elements. sg stops the gradient, so that the first term teaches E alone and G is not bent towards
    entries whose codes are easy to find. The second teaches both (cycle consistency: Li et al., arXiv:1709.01215).

    Args:
        entry_shape: shape of one entry.
        loss: config of an `AdversarialLoss`.
        discriminator_lr: learning rate of the discriminator; None for 1e-4 on images and 4e-4 on all else.
        code_inverse: weight of the squared error of codes found in generated entries, per element; 0 for none.
        reconstruction: weight of the absolute error of G(E(x)), per element; 0 for none.
        alpha: α, between 0 and 1.
        discriminator_score: one of the above.
        reduction: `mean` or `sum`.
        settings: further arguments of `AlternatingModel`.

    Raises:
        ValueError: other values.

    >>> import torch
    >>> from hepad.data import Batch
    >>> from hepad.models import BiGAN
    >>> _ = torch.manual_seed(0)
    >>> model = BiGAN((17,), loss={"_target_": "hepad.losses.Hinge"})
    >>> model.prepare(Batch(torch.randn(256, 17)))
    >>> model.anomaly_score(Batch(torch.randn(4, 17))).shape
    torch.Size([4])
    >>> list(model.score_parts(Batch(torch.randn(4, 17))))
    ['reconstruction', 'discriminator']
    """

    pairs: ClassVar[bool] = True
    inversion_remedy: ClassVar[str] = "a larger model.reconstruction, or more epochs"

    def __init__(
        self,
        entry_shape: Sequence[int],
        loss: Mapping[str, Any],
        discriminator_lr: float | None = None,
        code_inverse: float = 1.0,
        reconstruction: float = 5.0,
        alpha: float = 0.9,
        discriminator_score: str = "feature_matching",
        reduction: str = "mean",
        **settings: Any,
    ) -> None:
        if not 0 <= alpha <= 1:
            raise ValueError(f"alpha={alpha}; a number from 0 to 1 is needed")
        if discriminator_score not in DISCRIMINATOR_SCORES:
            allowed = ", ".join(DISCRIMINATOR_SCORES)
            raise ValueError(f"discriminator_score {discriminator_score!r}; allowed: {allowed}")
        if reduction not in REDUCTIONS:
            raise ValueError(f"reduction {reduction!r}; allowed: {', '.join(REDUCTIONS)}")
        for name, weight in (("code_inverse", code_inverse), ("reconstruction", reconstruction)):
            if not 0 <= weight < math.inf:
                raise ValueError(f"{name}={weight}; 0 or a positive weight is needed")
        rate = _DISCRIMINATOR_LR[len(entry_shape)] if discriminator_lr is None else discriminator_lr
        super().__init__(entry_shape, loss, discriminator_lr=rate, **settings)
        self.save_hyperparameters()
        self.code_inverse = code_inverse
        self.reconstruction = reconstruction
        self.alpha = alpha
        self.discriminator_score = discriminator_score
        self.reduction = reduction

    def real_inputs(self, x: Tensor, maker: GeneratorEncoder) -> tuple[Tensor, ...]:
        """Return (x, E(x))."""
        return x, maker.encode(x)

    def generated_inputs(self, code: Tensor, maker: GeneratorEncoder) -> tuple[Tensor, ...]:
        """Return (G(z), z)."""
        return maker.generate(code), code

    def maker_losses(self, x: Tensor, code: Tensor) -> dict[str, Tensor]:
        """Return what G and E minimise: G's pairs should look real, E's made up, and E should undo G."""
        made, found = self.maker.generate(code), self.maker.encode(x)
        game: Tensor = self.loss.generator_loss(self.discriminator(made, code))
        losses = {"generator": game + self.loss.generator_loss(-self.discriminator(x, found))}
        if self.code_inverse:
            losses["code_inverse"] = self.code_inverse * F.mse_loss(self.maker.encode(made.detach()), code)
        if self.reconstruction:
            losses["reconstruction"] = self.reconstruction * F.l1_loss(self.maker.generate(found), x)
        return losses

    def score_parts(self, batch: Batch) -> dict[str, Tensor]:
        """Return L_G (`reconstruction`) and L_D (`discriminator`), `(B,)` each, in the mode the model is in."""
        x, maker = self.represent(batch), self.average.network
        code = maker.encode(x)
        x_hat = maker.generate(code)
        if self.discriminator_score == "cross_entropy":
            of_discriminator = F.softplus(-self.discriminator(x, code))
        else:
            features = self.discriminator.features
            of_discriminator = self._norm(features(x, code) - features(x_hat, code))
        return {"reconstruction": self._norm(x - x_hat), "discriminator": of_discriminator}

    def _norm(self, difference: Tensor) -> Tensor:
        values = difference.abs().flatten(1)
        return values.sum(dim=1) if self.reduction == "sum" else values.mean(dim=1)

    def score_batch(self, batch: Batch) -> Tensor:
        """Return `(B,)` A(x)."""
        parts = self.score_parts(batch)
        return self.alpha * parts["reconstruction"] + (1 - self.alpha) * parts["discriminator"]

    def diagnostics(
        self, samples: Mapping[str, Batch], scores: Mapping[str, Tensor], background: str
    ) -> Iterator[Diagnostic]:
        """Show what adversarial models show, and say where the score reads logits as what they are not."""
        yield from super().diagnostics(samples, scores, background)
        if self.discriminator_score == "cross_entropy" and not isinstance(self.loss, NonSaturating):
            yield Remark(
                "The part of the score from the discriminator, −ln σ(D), takes D for log-odds, which only "
                "loss=non_saturating makes it: with the hinge it orders entries by D all the same, but is no "
                "cross-entropy, and model.alpha weighs it on a scale of its own."
            )
