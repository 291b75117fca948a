"""The pictures of a run: those drawn from scores, and those that need the model."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from hepad.callbacks.top_entries import TopEntries
from hepad.core.batch import Batch
from hepad.core.diagnostics import Diagnostic
from hepad.core.files import atomic_write_bytes
from hepad.data import AnomalyDataModule, Entries
from hepad.data.loader import BatchLoader
from hepad.metrics import Evaluation, ScoredSample
from hepad.models import AnomalyModel, ReconstructionModel
from hepad.plots import (
    StandardFigure,
    plot_loss_per_feature,
    plot_loss_per_pixel,
    plot_planes,
    plot_reconstructions,
    standard_figures,
)
from hepad.plots.processes import DrawingProcesses
from hepad.plots.volumes import plot_mean_volumes, plot_volumes
from hepad.results.diagnostic_figures import diagnostic_figures
from hepad.results.top_figures import channels_summed, top_figures

_CHUNK = 4096
_VALUES = 1 << 22


def run_figures(
    evaluation: Evaluation,
    samples: Mapping[str, ScoredSample],
    history: Mapping[str, ArrayLike] | None,
    model: AnomalyModel,
    data: AnomalyDataModule,
    diagnostics: Sequence[Diagnostic] = (),
    top: TopEntries | None = None,
) -> Iterator[StandardFigure]:
    """Yield the recipe of every figure of a run, in the order of the report; without a history no learning curves."""
    yield from standard_figures(evaluation, samples, history, profiles=data.profile_features)
    for diagnostic in diagnostics:
        yield from diagnostic_figures(diagnostic, data, evaluation, history or {})
    if top is not None:
        yield from top_figures(top, model, data)
    if isinstance(model, ReconstructionModel):
        yield from _model_figures(samples, model, data)


def save_figures(
    figures: Iterable[StandardFigure],
    directory: Path,
    formats: Sequence[str],
    drawing: DrawingProcesses | None = None,
) -> list[StandardFigure]:
    """Write each figure as `directory/<name>.<format>`, always also as PNG for the report; return them in order.

    Args:
        figures: what to draw.
        directory: where the files go; it is made where it is missing.
        formats: of the files.
        drawing: processes that were started to help; None for none.
    """
    wanted = tuple(dict.fromkeys(("png", *formats)))
    listed = list(figures)
    for figure, files in zip(listed, (drawing or DrawingProcesses()).draw(listed, wanted), strict=True):
        directory.mkdir(exist_ok=True)
        for format, content in zip(wanted, files, strict=True):
            atomic_write_bytes(directory / f"{figure.name}.{format}", content)
    return listed


def _model_figures(
    samples: Mapping[str, ScoredSample], model: ReconstructionModel, data: AnomalyDataModule
) -> Iterator[StandardFigure]:
    is_image, is_volume = len(data.entry_shape) == 3, len(data.entry_shape) == 4
    population = None if is_image or is_volume else _filled(model.view(data.val_entries.batch))
    for name, entries in data.test_entries.items():
        order = np.argsort(samples[name].score, kind="stable")
        present = model.view(entries.batch).mask
        if present is not None and (filled := present.any(dim=1).numpy()).any():
            # An event without any object has nothing to show.
            order = order[filled[order]]
        rows = order[[0, len(order) // 2, -1]]
        shown = entries.rows(rows)
        with torch.no_grad():
            x_hat = model.reconstruct_raw(shown.batch)
            # What a reconstruction is compared with: of some models blurred images.
            view = model.view(shown.batch)
            seen = view.x
        caption = (
            f"The least, the middle and the most anomalous entries of {name} beside their reconstructions"
            f"{channels_summed(data)}"
        )
        if is_volume:
            inputs_of, made_of = seen.sum(dim=1).numpy(), x_hat.sum(dim=1).numpy()
            draw = partial(plot_volumes, inputs_of, made_of, samples[name].score[rows], labels=data.image_labels)
            yield StandardFigure(f"reconstructions_{name}", "Examples", f"{caption}, summed along each axis.", draw)
            continue
        inputs, outputs = (data.in_plane(shown.batch._replace(x=x)) for x in (seen, x_hat))
        if inputs is not None and outputs is not None:
            yield StandardFigure(
                f"reconstructions_{name}",
                "Examples",
                f"{caption}; the area of a disc is an object's share.",
                partial(
                    plot_planes,
                    (inputs[0].numpy(), inputs[1].numpy()),
                    (outputs[0].numpy(), outputs[1].numpy()),
                    samples[name].score[rows],
                    data.feature_names[-2:],
                ),
            )
            continue
        yield StandardFigure(
            f"reconstructions_{name}",
            "Examples",
            f"{caption}.",
            partial(
                plot_reconstructions,
                _channels_last(seen.numpy()),
                _channels_last(x_hat.numpy()),
                samples[name].score[rows],
                feature_names=None if is_image else data.feature_names,
                population=population,
                mask=None if view.mask is None else view.mask.numpy(),
                labels=data.image_labels,
            ),
        )
    losses = {
        name: loss for name, entries in data.test_entries.items() if (loss := mean_loss(model, entries)) is not None
    }
    if not losses:
        return
    if is_volume:
        yield StandardFigure(
            "loss_per_cell",
            "Examples",
            "What each cell contributes to the reconstruction loss, averaged over the entries of a sample; "
            "sums along each axis.",
            partial(plot_mean_volumes, losses, labels=data.image_labels),
        )
        return
    if is_image:
        yield StandardFigure(
            "loss_per_pixel",
            "Examples",
            "What each pixel contributes to the reconstruction loss, averaged over the entries of a sample.",
            partial(plot_loss_per_pixel, losses, labels=data.image_labels),
        )
        return
    yield StandardFigure(
        "loss_per_feature",
        "Examples",
        "What each feature contributes to the reconstruction loss, averaged over the entries of a sample.",
        partial(plot_loss_per_feature, losses, data.feature_names),
    )


def mean_loss(model: ReconstructionModel, entries: Entries) -> NDArray[np.float64] | None:
    """Return the mean over entries of each feature's contribution to the loss, `(F,)`, or each pixel's or cell's.

    None where the loss does not tell.
    """
    # Large images in smaller chunks: each layer of a network holds dozens of numbers per pixel.
    size = max(1, min(_CHUNK, _VALUES // math.prod(model.entry_shape)))
    with torch.no_grad():
        found = [model.loss_per_feature(batch) for batch in BatchLoader(entries.batch, size)]
    losses = [loss.double() for loss in found if loss is not None]
    return np.asarray(torch.cat(losses).mean(dim=0).numpy()) if losses else None


def _filled(batch: Batch) -> NDArray[np.float32]:
    """Return entries, or the objects of sets that are there, `(P, F)`."""
    return np.asarray((batch.x if batch.mask is None else batch.x[batch.mask]).numpy())


def _channels_last(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return images `(N, C, H, W)` as `(N, H, W, C)`, and anything else as it is."""
    return np.moveaxis(x, 1, -1) if x.ndim == 4 else x
