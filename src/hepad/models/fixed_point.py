"""Models trained in fixed-point numbers (`model.bits`), so that what they score is what their firmware scores."""

from typing import Any, Protocol

import torch
from torch import Tensor

from hepad.core.batch import Batch
from hepad.nn import InputNormalizer
from hepad.nn.encoder_decoder import DenseEncoderDecoder
from hepad.nn.fixed_point import FixedPointForward
from hepad.nn.folding import FOLDED_NORMALIZERS, FoldedLayer, as_folded_input, fold_entry, input_powers, linears_of

LOG_VARIANCE_BOUND = 20.0
"""e^±20 is far outside what a trained encoder gives, and far inside what a float can hold."""


class Foldable(Protocol):
    """A model whose scorer is a few layers from raw entries on, which firmware can compute."""

    normalizer: InputNormalizer
    fixed_point: FixedPointForward | None

    def folded(self, powers: Tensor) -> list[FoldedLayer]:
        """Return the layers from raw entries to scores, with the input shifted by `powers` `(C,)`."""


def fixed_point_forward(
    model: Foldable, bits: int | None, input_bits: int, score_bits: int, headroom: int, dropout: float
) -> FixedPointForward | None:
    """Return what computes a model in numbers of `bits`; None where there are none.

    Raises:
        ValueError: bits out of range, or a part of the model that has no fixed-point form.
    """
    if bits is None:
        return None
    if model.normalizer.kind not in FOLDED_NORMALIZERS:
        raise ValueError(
            f"model.bits with model.normalizer={model.normalizer.kind}, which is no shift and no product; allowed: "
            f"{', '.join(FOLDED_NORMALIZERS)}"
        )
    if dropout:
        raise ValueError(f"model.bits with model.dropout={dropout:g}; model.dropout=0 is needed")
    # Of the layers only their kinds count here; a model may be built without any numbers, to be loaded.
    powers = torch.ones_like(model.normalizer.scale, dtype=torch.float64).flatten()
    return FixedPointForward(model.folded(powers), len(powers), bits, input_bits, score_bits, headroom)


def start_fixed_point(model: Foldable, train: Batch) -> None:
    """Set the binary points by training entries, after the normaliser was fitted."""
    assert model.fixed_point is not None
    model.fixed_point.powers.copy_(input_powers(model.normalizer))
    model.fixed_point.start(model.folded(model.fixed_point.powers), as_folded_input(train.x, train.mask))


def fixed_point_results(model: Foldable, batch: Batch) -> list[Tensor]:
    """Return what each folded layer gives of a batch, in fixed-point numbers as float64; the last are the scores."""
    assert model.fixed_point is not None
    results: list[Tensor] = model.fixed_point(
        model.folded(model.fixed_point.powers), as_folded_input(batch.x, batch.mask)
    )
    return results


def fixed_point_score(model: Foldable, batch: Batch) -> Tensor:
    """Return the scores `(B,)` of a batch, in the type of its entries, which holds them exactly."""
    return fixed_point_results(model, batch)[-1][:, 0].to(batch.x.dtype)


def folded_encoder(model: Any, powers: Tensor) -> list[FoldedLayer]:
    """Return the layers of a variational autoencoder that give μ, and Σμ².

    Raises:
        ValueError: another score, or a network other than `dense`.
    """
    if model.score != "mu2":
        raise ValueError(f"model.score={model.score} needs the decoder, which is too large; model.score=mu2 does not")
    if type(model.network) is not DenseEncoderDecoder:
        raise ValueError("only model.network=dense of a VAE has a fixed-point form")
    *hidden, (weight, bias) = linears_of(model.network.encoder)
    linears = [*hidden, (weight[: model.latent], bias[: model.latent])]
    return [*fold_entry(model.normalizer, powers, model.entry_shape, linears), FoldedLayer("squares")]


def fixed_point_code(model: Any, batch: Batch) -> tuple[Tensor, Tensor]:
    """Return μ `(B, L)` in fixed-point numbers, and ln σ², which no firmware computes, of the same hidden units."""
    *_, hidden, mean, _ = fixed_point_results(model, batch)
    weight, bias = linears_of(model.network.encoder)[-1]
    log_variance = hidden @ weight[model.latent :].T + bias[model.latent :]
    return mean.to(batch.x.dtype), log_variance.to(batch.x.dtype).clamp(-LOG_VARIANCE_BOUND, LOG_VARIANCE_BOUND)
