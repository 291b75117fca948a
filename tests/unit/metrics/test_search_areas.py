"""AUC against the length of a search and the number of its restarts."""

import numpy as np
import pytest

from hepad.metrics.latent_search import areas_by_restarts, areas_by_step
from hepad.metrics.roc import auc


@pytest.fixture
def traces() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {"background": rng.normal(size=(80, 3, 4)), "signal": rng.normal(0.5, 1.5, size=(60, 3, 4))}


@pytest.mark.parametrize(("reduction", "reduce"), [("mean", np.mean), ("min", np.min)])
def test_areas_are_those_of_the_reduced_losses(traces, reduction, reduce) -> None:
    by_step = areas_by_step(traces, "background", reduction)["signal"]
    by_restarts = areas_by_restarts(traces, "background", reduction)["signal"]
    for step in range(4):
        expected = auc(*(reduce(trace[..., step], axis=1) for trace in traces.values()))
        assert by_step[step] == pytest.approx(expected, abs=1e-12)
    for n in (1, 2, 3):
        expected = auc(*(reduce(trace[:, :n, -1], axis=1) for trace in traces.values()))
        assert by_restarts[n - 1] == pytest.approx(expected, abs=1e-12)
    # The run's own score is the last of both.
    assert by_step[-1] == by_restarts[-1]


@pytest.mark.parametrize("reduction", ["mean", "min"])
@pytest.mark.filterwarnings("error")
def test_failed_restarts_are_left_out(traces, reduction) -> None:
    sound = areas_by_step(traces, "background", reduction)
    padded = {
        name: np.concatenate([trace, np.full_like(trace[:, :1], np.nan)], axis=1) for name, trace in traces.items()
    }
    padded["signal"] = np.concatenate([padded["signal"], np.full_like(padded["signal"][:1], np.nan)])
    found = areas_by_step(padded, "background", reduction)
    np.testing.assert_allclose(found["signal"], sound["signal"], atol=1e-12)
