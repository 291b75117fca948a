"""The generative adversarial network."""

from typing import ClassVar

from torch import Tensor

from hepad.batch import Batch
from hepad.models.adversarial import AdversarialModel
from hepad.nn.adversarial import Maker


class GAN(AdversarialModel):
    """G makes entries of codes z ~ N(0, 1), D tells them from real ones (Goodfellow et al., arXiv:1406.2661).

    The score is −D(x) with D's logit: it falls and rises with 1 − σ(D(x)), the probability of being made up, but where
    that is 1 to all digits of a float the logits still differ.

    Arguments are those of `AlternatingModel`.
    """

    pairs: ClassVar[bool] = False
    signed_score: ClassVar[bool] = True

    def real_inputs(self, x: Tensor, maker: Maker) -> tuple[Tensor, ...]:
        """Return the entries."""
        return (x,)

    def generated_inputs(self, code: Tensor, maker: Maker) -> tuple[Tensor, ...]:
        """Return G(z)."""
        return (maker.generate(code),)

    def maker_loss(self, x: Tensor, code: Tensor) -> Tensor:
        """Return the generator's loss."""
        loss: Tensor = self.loss.generator_loss(self.discriminator(*self.generated_inputs(code, self.maker)))
        return loss

    def score_batch(self, batch: Batch) -> Tensor:
        """Return `(B,)` −D(x)."""
        score: Tensor = -self.discriminator(self.represent(batch))
        return score
