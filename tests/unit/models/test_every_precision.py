"""Every model trains, scores and is searched in each precision of the trainer; discovered, nothing is listed here."""

import pytest
import torch
from tests.every_model import PAIRS
from tests.gpu.cases import Entries, fit, score
from tests.left_out import covering

from hepad.callbacks import Evaluate
from hepad.config import RunConfig
from hepad.inference.entry_search import searched_network
from hepad.models import Searchable
from hepad.run.building import build_evaluate, build_inference

ONE_PAIR_EACH = sorted({model: (model, data) for model, data in PAIRS}.values())

WEIGHTS = {"64-true": torch.float64, "bf16-true": torch.bfloat16, "bf16-mixed": torch.float32}


@pytest.fixture(scope="module")
def entries(tmp_path_factory):
    return Entries(tmp_path_factory.mktemp("entries"))


# In each precision one model; every model in each by the thorough tests.
CASES = covering([(*pair, precision) for precision in WEIGHTS for pair in ONE_PAIR_EACH], (2,))


@pytest.mark.parametrize("case", CASES)
def test_training_scoring_and_latent_search(entries, tmp_path, case):
    *pair, precision = case
    cfg = entries.config(*pair, inference="search of weights")
    model, data = entries.build(cfg)
    fit(model, data, accelerator="cpu", precision=precision)
    assert next(model.parameters()).dtype == WEIGHTS[precision]
    search = build_inference(RunConfig.of(cfg), model, data, tmp_path) if isinstance(model, Searchable) else None
    evaluate: Evaluate = build_evaluate(RunConfig.of(cfg), tmp_path, search)
    score(model, data, *([] if search is None else [search]), evaluate, accelerator="cpu", precision=precision)
    assert all(sample.score.std() > 0 for sample in evaluate.samples.values())
    if search is not None:
        assert set(search.scores) == set(evaluate.samples)
        # Steps of a search are too small for weights of half precision.
        searched = next(searched_network(model).network.parameters()).dtype
        assert searched == torch.promote_types(WEIGHTS[precision], torch.float32)
        assert next(model.parameters()).dtype == WEIGHTS[precision]
