"""Exported events: empty slots are not computed, and what is said of events stays the same."""

import numpy as np
import pytest
import torch

from hepad.core.batch import Batch
from hepad.exporting.programs import as_onnx, traced
from hepad.exporting.runtimes import onnx_scoring
from hepad.exporting.scorer import Scorer
from hepad.models import TimeDistributedAutoencoder


def fitted(loss: str = "MSE", **settings: object) -> tuple[TimeDistributedAutoencoder, Batch]:
    torch.manual_seed(0)
    model = TimeDistributedAutoencoder((4, 5), {"_target_": f"hepad.losses.{loss}"}, **settings)  # type: ignore[arg-type]
    mask = torch.arange(4) < torch.randint(0, 5, (64, 1))
    # What stands in an empty slot is nobody's business.
    events = torch.where(mask.unsqueeze(-1), 10 * torch.randn(64, 4, 5) + 3, torch.nan)
    model.prepare(Batch(events.nan_to_num(), mask))
    return model.eval(), Batch(events, mask)


@pytest.mark.parametrize("loss", ["MSE", "Huber", "LogCosh", "MAPE"])
def test_losses_of_filled_slots_are_those_of_the_model(loss: str) -> None:
    model, batch = fitted(loss)
    scorer = Scorer(model)
    assert "losses" in vars(scorer.model)
    with torch.no_grad():
        expected = model.anomaly_score(batch._replace(x=batch.x.nan_to_num()))
        torch.testing.assert_close(scorer(*scorer.arrays(batch))[0], expected, rtol=1e-6, atol=1e-7)
    assert batch.mask is not None
    assert not expected[~batch.mask.any(dim=1)].any()
    assert "losses" not in vars(model)


def test_onnx_gathers_filled_slots_and_takes_events_without_any() -> None:
    model, batch = fitted()
    scorer = Scorer(model)
    onnx_model = as_onnx(scorer, traced(scorer))
    operators = [node.op_type for node in onnx_model.graph.node]
    assert {"NonZero", "Gather", "ScatterND"} <= set(operators)
    # A choice for each number of each slot, filled or not, took most of the time.
    assert "Where" not in operators
    score = onnx_scoring(onnx_model.SerializeToString(), threads=1)
    assert batch.mask is not None
    empty = torch.nonzero(~batch.mask.any(dim=1)).flatten()[:2]
    for rows in (torch.arange(64), empty[:1], empty):
        part = Batch(batch.x[rows], batch.mask[rows])
        with torch.no_grad():
            expected = model.anomaly_score(part._replace(x=part.x.nan_to_num())).numpy()
        np.testing.assert_allclose(
            score([array.numpy() for array in scorer.arrays(part)])["score"], expected, rtol=1e-5
        )


@pytest.mark.thorough
@pytest.mark.parametrize("settings", [{"normalizer": "layer"}, {"mask": False}])
def test_what_needs_the_whole_event_is_computed_of_it(settings: dict[str, object]) -> None:
    model, batch = fitted(**settings)
    batch = batch._replace(x=batch.x.nan_to_num())
    scorer = Scorer(model)
    assert "losses" not in vars(scorer.model)
    score = onnx_scoring(as_onnx(scorer, traced(scorer)).SerializeToString(), threads=1)
    with torch.no_grad():
        expected = model.anomaly_score(batch).numpy()
    np.testing.assert_allclose(score([array.numpy() for array in scorer.arrays(batch)])["score"], expected, rtol=1e-5)
