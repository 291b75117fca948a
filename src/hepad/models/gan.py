"""The generative adversarial network, with the encoder that scores."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from torch import Tensor

from hepad.core.batch import Batch
from hepad.models.adversarial import AdversarialModel
from hepad.nn.adversarial import GeneratorEncoder

SCORES: Final = ("encoder", "discriminator")


class GAN(AdversarialModel):
    """G makes entries of codes z ~ N(0, 1), D tells them from real ones (Goodfellow et al., arXiv:1406.2661).

    Beside the game an encoder E learns the way back, as in f-AnoGAN (Schlegl et al., Medical Image Analysis 54 (2019)
    30, doi:10.1016/j.media.2019.01.010, `izi_f`): it minimises, and entries are scored by,

        A(x) = 1/n·‖x − G(E(x))‖² + κ/n_f·‖f(x) − f(G(E(x)))‖²

    with n the elements of an entry and f the n_f features before D's logit. E learns from the moving average of G, the
    one that samples and scores, while the game goes on; neither G nor D sees E. f-AnoGAN trains E when the game is
    over, which would take a second training.

    | `score` | |
    |---|---|
    | `encoder` | A(x); its two parts are `reconstruction` and `features` |
    | `discriminator` | −D(x), D's logit: it rises with 1 − σ(D(x)), P(made up), and does not saturate |

    Args:
        entry_shape: shape of one entry.
        loss: config of an `AdversarialLoss`.
        score: one of the above.
        kappa: κ; 0 leaves the features out (f-AnoGAN's `izi`).
        settings: further arguments of `AlternatingModel`.

    Raises:
        ValueError: other values.

    >>> import torch
    >>> from hepad.data import Batch
    >>> from hepad.models import GAN
    >>> _ = torch.manual_seed(0)
    >>> model = GAN((17,), loss={"_target_": "hepad.losses.NonSaturating"})
    >>> model.prepare(Batch(torch.randn(256, 17)))
    >>> model.anomaly_score(Batch(torch.randn(4, 17))).shape
    torch.Size([4])
    >>> list(model.score_parts(Batch(torch.randn(4, 17))))
    ['reconstruction', 'features', 'discriminator']
    """

    pairs: ClassVar[bool] = False

    def __init__(
        self,
        entry_shape: Sequence[int],
        loss: Mapping[str, Any],
        score: str = "encoder",
        kappa: float = 1.0,
        **settings: Any,
    ) -> None:
        if score not in SCORES:
            raise ValueError(f"score {score!r}; allowed: {', '.join(SCORES)}")
        if not 0 <= kappa < math.inf:
            raise ValueError(f"kappa={kappa}; 0 or a positive weight is needed")
        super().__init__(entry_shape, loss, **settings)
        self.save_hyperparameters()
        self.score = score
        self.kappa = kappa

    @classmethod
    def may_score_below_zero(cls, settings: Mapping[str, Any]) -> bool:
        """Return whether the score is −D(x)."""
        return settings.get("score") == "discriminator"

    def real_inputs(self, x: Tensor, maker: GeneratorEncoder) -> tuple[Tensor, ...]:
        """Return the entries."""
        return (x,)

    def generated_inputs(self, code: Tensor, maker: GeneratorEncoder) -> tuple[Tensor, ...]:
        """Return G(z)."""
        return (maker.generate(code),)

    def maker_losses(self, x: Tensor, code: Tensor) -> dict[str, Tensor]:
        """Return G's loss in the game, and A of the entries, which teaches E alone."""
        game: Tensor = self.loss.generator_loss(self.discriminator(*self.generated_inputs(code, self.maker)))
        reconstruction, features = self._residuals(x, self.maker.encode(x))
        return {"generator": game, "encoder": (reconstruction + self.kappa * features).mean()}

    def _residuals(self, x: Tensor, code: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean squared differences of entries and of D's features, `(B,)` each, after averaged G."""
        x_hat = self.average.network.generate(code)
        f = self.discriminator.features
        return _mean_square(x - x_hat), _mean_square(f(x) - f(x_hat))

    def score_parts(self, batch: Batch) -> dict[str, Tensor]:
        """Return both parts of A(x), and −D(x) (`discriminator`), `(B,)` each, in the mode the model is in."""
        x = self.represent(batch)
        reconstruction, features = self._residuals(x, self.average.network.encode(x))
        return {"reconstruction": reconstruction, "features": features, "discriminator": -self.discriminator(x)}

    def score_batch(self, batch: Batch) -> Tensor:
        """Return `(B,)` A(x), or −D(x)."""
        parts = self.score_parts(batch)
        if self.score == "discriminator":
            return parts["discriminator"]
        return parts["reconstruction"] + self.kappa * parts["features"]


def _mean_square(difference: Tensor) -> Tensor:
    return difference.square().flatten(1).mean(dim=1)
