"""Scored samples that look like jets, small enough to draw quickly."""

import numpy as np
import pytest

from hepad.metrics import BASELINES, Evaluation, ScoredSample, evaluate


def make_sample(name: str, shift: float, n: int, seed: int) -> ScoredSample:
    rng = np.random.default_rng(seed)
    pt = 15 + rng.exponential(15 * (1 + shift), n)
    score = 0.02 * (pt / 20) ** 1.5 * rng.lognormal(0, 0.7, n)
    features = {
        "pt": pt,
        "eta": rng.normal(size=n),
        "nMuons": rng.poisson(0.1, n).astype(float),
        "btagDeepB": rng.beta(1, 5, n),
    }
    return ScoredSample(name, score, features, {b: pt * rng.lognormal(0, 0.3, n) for b in BASELINES})


@pytest.fixture(scope="session")
def samples() -> dict[str, ScoredSample]:
    """Background, two known signals and one with a name of its own."""
    shifts = {"zero_bias": 0.0, "soft_qcd": 0.02, "ttbar": 1.5, "my_signal": 0.8}
    return {name: make_sample(name, shift, 2500, i) for i, (name, shift) in enumerate(shifts.items())}


@pytest.fixture(scope="session")
def evaluation(samples: dict[str, ScoredSample]) -> Evaluation:
    return evaluate(samples, "zero_bias", ["zero_bias", "ttbar"])


@pytest.fixture(scope="session")
def history() -> dict[str, np.ndarray]:
    epochs = np.arange(12)
    return {"epoch": epochs, "train/loss": np.exp(-epochs / 4) + 0.3, "val/loss": np.exp(-epochs / 4) + 0.01 * epochs}
