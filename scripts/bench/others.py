"""The same autoencoder by Keras and by pyod, where they are installed (`pip install "hepad[bench]"`)."""

import importlib.util
import os
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

KERAS = "Keras"
PYOD = "pyod AutoEncoder"
HIDDEN, LATENT = 16, 8
"""Of hepad's dense autoencoder with its defaults, for 17 features."""

Array = NDArray[np.float32]


def installed(name: str) -> bool:
    """Return whether a package is there, without importing it."""
    return importlib.util.find_spec(name) is not None


def other_trainings(x: Array, batch_size: int, device: str) -> dict[str, Callable[[], object]]:
    """Return way → one epoch on normalised entries `(N, 17)`; pyod's fit scores them too.

    Args:
        x: entries.
        batch_size: of the epochs.
        device: where pyod computes; Keras takes a GPU where there is one.
    """
    ways: dict[str, Callable[[], object]] = {}
    if installed("keras"):
        network = _keras_network(x.shape[1])
        ways[f"{KERAS} fit"] = lambda: network.fit(x, x, batch_size=batch_size, epochs=1, verbose=0)
    if installed("pyod"):
        ways[f"{PYOD} fit"] = lambda: _pyod(batch_size, device).fit(x)
    return ways


def other_scorings(x: Array, batch_size: int, device: str) -> dict[str, Callable[[], object]]:
    """Return way → the scores of entries `(N, 17)`."""
    ways: dict[str, Callable[[], object]] = {}
    if installed("keras"):
        network = _keras_network(x.shape[1])
        ways[f"{KERAS} predict"] = lambda: ((network.predict(x, batch_size=batch_size, verbose=0) - x) ** 2).mean(1)
    if installed("pyod"):
        detector = _pyod(batch_size, device)
        detector.fit(x[: 2 * batch_size])
        ways[f"{PYOD} decision_function"] = lambda: detector.decision_function(x)
    return ways


def _keras_network(n_features: int) -> Any:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    layers = keras.layers
    network = keras.Sequential(
        [
            keras.Input((n_features,)),
            layers.Dense(HIDDEN, "relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.1),
            layers.Dense(LATENT, "relu"),
            layers.BatchNormalization(),
            layers.Dense(HIDDEN, "relu"),
            layers.BatchNormalization(),
            layers.Dense(n_features),
        ]
    )
    network.compile(optimizer="adam", loss="mse")
    return network


def _pyod(batch_size: int, device: str) -> Any:
    from pyod.models.auto_encoder import AutoEncoder

    return AutoEncoder(
        hidden_neuron_list=[HIDDEN, LATENT],
        batch_norm=True,
        dropout_rate=0.1,
        batch_size=batch_size,
        epoch_num=1,
        verbose=0,
        device=device,
    )
