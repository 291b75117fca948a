"""Inputs beside their reconstructions: the least, the middle and the most anomalous entry."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from hepad.core.schema import ImageLabels
from hepad.plots.reconstructed_images import draw_images
from hepad.plots.reconstructed_vectors import draw_vectors
from hepad.plots.style import house_style

FloatArray = NDArray[np.float64]

_CHOICES = ("Lowest score", "Median score", "Highest score")


def plot_reconstructions(
    x: ArrayLike,
    x_hat: ArrayLike,
    scores: ArrayLike,
    *,
    feature_names: Sequence[str] | None = None,
    population: ArrayLike | None = None,
    labels: ImageLabels | None = None,
    note: str | None = None,
) -> Figure:
    """The entries of lowest, median and highest score, and what the model made of them.

    Entries of features, (F,) or (objects, F), are shown in units of each feature's spread over a population;
    single vectors carry their raw values. Images, (H, W) or (H, W, C), keep their own unit; channels are summed.

    Args:
        x: (N, F), (N, M, F), (N, H, W) or (N, H, W, C) inputs in raw units.
        x_hat: reconstructions of the same shape and units.
        scores: (N,) anomaly scores.
        feature_names: F names; without them three- and four-dimensional `x` are images.
        population: (P, F) or (P, M, F) entries over which mean and spread of each feature are taken; `x` by default.
        labels: what the pixels and the axes of images are.
        note: what the data are.

    Raises:
        ValueError: shapes do not fit together, or no entries.

    >>> import numpy as np
    >>> from hepad.plots import plot_reconstructions
    >>> images = np.random.default_rng(0).random((20, 18, 14))
    >>> figure = plot_reconstructions(images, 0.9 * images, scores=images.mean(axis=(1, 2)))
    >>> [title for axes in figure.axes if (title := axes.get_title())][:3]
    ['Input', 'Reconstruction', 'Reconstruction − input']
    """
    inputs, outputs = np.asarray(x, dtype=np.float64), np.asarray(x_hat, dtype=np.float64)
    order = np.argsort(np.asarray(scores, dtype=np.float64), kind="stable")
    if inputs.shape != outputs.shape or order.shape != inputs.shape[:1] or not inputs.size:
        raise ValueError(
            f"inputs {inputs.shape}, reconstructions {outputs.shape}, scores {order.shape}: unequal or empty"
        )
    if inputs.ndim not in (2, 3, 4) or (inputs.ndim == 2 and feature_names is None):
        raise ValueError(f"entries of shape {inputs.shape[1:]} are neither named features nor images")
    if feature_names is not None and len(feature_names) != inputs.shape[-1]:
        raise ValueError(f"{len(feature_names)} feature names for entries of shape {inputs.shape[1:]}")
    picks = [int(order[i]) for i in dict.fromkeys((0, order.size // 2, order.size - 1))]
    names = _CHOICES if len(picks) == 3 else ("Lowest score", "Highest score")[: len(picks)]
    titles = [f"{name}: {np.asarray(scores)[i]:.4g}" for name, i in zip(names, picks, strict=True)]
    with house_style():
        if inputs.ndim == 2 and feature_names is not None:
            mean, spread = _location_and_spread(inputs if population is None else population)
            return draw_vectors(inputs[picks], outputs[picks], mean, spread, titles, feature_names, note)
        if feature_names is not None:
            mean, spread = _location_and_spread(inputs if population is None else population)
            inputs, outputs = (inputs[picks] - mean) / spread, (outputs[picks] - mean) / spread
            table = ImageLabels("Spreads from the mean", horizontal="Feature", vertical="Object")
            return draw_images(inputs, outputs, titles, table, note, feature_names)
        if inputs.ndim == 4:
            inputs, outputs = inputs.sum(-1), outputs.sum(-1)
        return draw_images(inputs[picks], outputs[picks], titles, labels or ImageLabels(), note)


def _location_and_spread(population: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of each feature, `(F,)` each; 1 for the spread of a constant one."""
    values = np.asarray(population, dtype=np.float64)
    flat = values.reshape(-1, values.shape[-1])
    spread = flat.std(axis=0)
    spread[spread == 0] = 1.0
    return flat.mean(axis=0), spread
