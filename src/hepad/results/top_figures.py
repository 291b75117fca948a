"""Pictures of the most anomalous entries, each beside the nearest entry of the background."""

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

import torch
from numpy.typing import NDArray
from torch import Tensor

from hepad.callbacks.top_entries import TopEntries, TopEntry
from hepad.core.batch import Batch, on_device, take_rows
from hepad.data import AnomalyDataModule, ConstituentsDataModule
from hepad.models import AnomalyModel, Reconstructing
from hepad.plots import StandardFigure
from hepad.plots.constituent_display import plot_constituents
from hepad.plots.event_display import plot_events, plot_top_features, plot_top_images
from hepad.plots.volumes import plot_top_volumes
from hepad.results.top_table import TOP

_SHOWN: Final = 3
_SEARCHED: Final = 20_000
_PLANE: Final = ("pt", "eta", "phi")


def top_figures(top: TopEntries, model: AnomalyModel, data: AnomalyDataModule) -> Iterator[StandardFigure]:
    """Yield the display of the first few entries; none where nothing explains them, or their kind has no picture."""
    if top.explanation is None:
        return
    shown = take_rows(top.batch, slice(_SHOWN))
    values = top.explanation.values[:_SHOWN].double()
    titles = [_title(rank, entry) for rank, entry in enumerate(top.entries[:_SHOWN], start=1)]
    near = nearest_background(top, model, data, len(titles))
    names = list(data.feature_names) if data.structure in ("vector", "set") else []
    caption = "The first of the most anomalous entries, each beside the nearest background entry"
    if data.structure in ("image", "volume"):
        made = None
        if isinstance(model, Reconstructing):
            with torch.no_grad():
                made = model.reconstruct_raw(on_device(shown, model.device)).cpu().sum(dim=1).numpy()
        images, others = (batch.x.sum(dim=1).numpy() for batch in (shown, near))
        short = [title.replace(": ", "\n") for title in titles]
        plot = plot_top_images if data.structure == "image" else plot_top_volumes
        draw = partial(plot, images, made, values.sum(dim=1).numpy(), others, short, data.image_labels)
        yield StandardFigure("top_entries", TOP, f"{caption}{channels_summed(data)}.", draw)
    elif data.structure == "vector":
        z, other = (model.normalizer(batch.x.to(model.device)).cpu().numpy() for batch in (shown, near))
        yield StandardFigure(
            "top_entries",
            TOP,
            f"{caption}: what its features contribute to the score, and where they lie.",
            partial(plot_top_features, values.numpy(), z, other, shown.x.numpy(), titles, names),
        )
    elif isinstance(data, ConstituentsDataModule):
        (places, sizes), around = (_constituents(data, batch) for batch in (shown, near))
        yield StandardFigure(
            "top_entries",
            TOP,
            f"{caption}; a point is as large as its share of the pT, and the redder the more it contributes.",
            partial(plot_constituents, places, sizes, _shares_of_score(values), titles, around),
        )
    elif set(_PLANE) <= set(names):
        columns = [names.index(name) for name in _PLANE]
        (places, sizes), around = (_in_plane(batch, columns) for batch in (shown, near))
        yield StandardFigure(
            "top_entries",
            TOP,
            f"{caption}; the area of a circle is an object's pT, the redder it is the more it contributes.",
            partial(plot_events, places, sizes, _shares_of_score(values), titles, around),
        )


def channels_summed(data: AnomalyDataModule) -> str:
    """Say which channels of an image or a volume are summed in a figure; empty where there is one."""
    several = data.structure in ("image", "volume") and data.entry_shape[0] > 1
    return f"; the channels {', '.join(data.feature_names)} are summed" if several else ""


def _constituents(data: ConstituentsDataModule, batch: Batch) -> tuple[NDArray[Any], NDArray[Any]]:
    """Places (N, S, 2) in Δη and Δφ, and shares (N, S) of the jet's pT."""
    places, shares = data.in_plane(batch)
    return places.numpy(), shares.numpy()


def _shares_of_score(values: Tensor) -> NDArray[Any]:
    """Shares (N, S) of what raises the score, by slot."""
    raising = values.sum(dim=2).clamp(min=0)
    return (raising / raising.sum(dim=1, keepdim=True).clamp(min=1e-30)).numpy()


def _title(rank: int, entry: TopEntry) -> str:
    slot = "" if entry.slot is None else f", slot {entry.slot}"
    return f"{rank}. {entry.sample}, row {entry.row}{slot}: score {entry.score:.4g}, p = {entry.p_value:.2g}"


def nearest_background(top: TopEntries, model: AnomalyModel, data: AnomalyDataModule, n: int) -> Batch:
    """Return for each of the first entries the background entry nearest to it in normalised numbers, never itself."""
    background = take_rows(data.test_entries[data.background].batch, slice(_SEARCHED))
    wanted = take_rows(top.batch, slice(n))
    far = torch.cdist(_normalised(model, wanted), _normalised(model, background))
    for i, entry in enumerate(top.entries[:n]):
        if entry.sample == data.background and entry.position < far.shape[1]:
            far[i, entry.position] = torch.inf
    return take_rows(background, far.argmin(dim=1))


@torch.no_grad()
def _normalised(model: AnomalyModel, batch: Batch) -> Tensor:
    moved = on_device(batch, model.device)
    normalised: Tensor = model.normalizer(moved.x, moved.mask)
    return normalised.flatten(1).float().cpu()


def _in_plane(batch: Batch, columns: list[int]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Places (N, S, 2) in η and φ, and pT (N, S), 0 for empty slots."""
    pt = batch.x[..., columns[0]].clamp(min=0)
    if batch.mask is not None:
        pt = torch.where(batch.mask, pt, torch.zeros_like(pt))
    return batch.x[..., columns[1:]].numpy(), pt.numpy()
