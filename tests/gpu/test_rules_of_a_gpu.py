"""Every model × loss × inference on a device that is as strict as a GPU, without one (`pretend_gpu`)."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from hepad.callbacks import Evaluate
from hepad.checks.combinations import validate
from hepad.config import RunConfig
from hepad.core.batch import on_device, take_rows
from hepad.core.errors import UserError
from hepad.inference import LatentSearch, SearchSettings
from hepad.losses import PointCloudLoss
from hepad.models import (
    BIBAE,
    DeepSVDD,
    Distilled,
    DoubleAutoencoder,
    FlowMatching,
    ReconstructionModel,
    Searchable,
    flow,
    flow_matching,
)
from hepad.models.averaged import AveragedModel
from hepad.models.density_checks import draws_shown
from hepad.models.fitted import FittedModel
from hepad.run.building import build_inference
from hepad.scores.forward import Forward
from tests.gpu.cases import INFERENCES, LOSSES, UNLIKE_PAIRS, Entries, fit, score
from tests.gpu.pretend_gpu import pretend_gpu, strategy
from tests.left_out import covering


def reflected(device: torch.device) -> None:
    x = torch.ones(1, 1, 4, 4, device=device, requires_grad=True)
    F.pad(x, (1, 1, 1, 1), mode="reflect").sum().backward()


def pooled(device: torch.device) -> None:
    x = torch.ones(1, 1, 4, 4, device=device, requires_grad=True)
    nn.AdaptiveMaxPool2d(1)(x).sum().backward()


REFUSED = {
    "two devices": (lambda device: torch.ones(2, device=device) + torch.ones(2), "at least two devices"),
    "two devices in place": (lambda device: torch.ones(2).add_(torch.ones(2, device=device)), "at least two devices"),
    "a scalar in a product": (lambda device: torch.ones(2, 2, device=device) @ torch.ones(2, 2), "at least two"),
    "rows of a CPU tensor": (lambda device: torch.ones(3)[torch.zeros(1, device=device).long()], "at least two"),
    "a generator": (lambda device: torch.randn(2, device=device, generator=torch.Generator()), "generator"),
    "numpy": (lambda device: torch.ones(2, device=device).numpy(), r"numpy\(\)"),
    "a sum along the way": (lambda device: torch.ones(2, device=device).cumsum(0), "cumsum.*deterministic"),
    "the k-th value": (lambda device: torch.ones(2, device=device).kthvalue(1), "kthvalue.*deterministic"),
    "a backward pass": (pooled, "adaptive_max_pool2d_backward.*deterministic"),
    "another backward pass": (reflected, "reflection_pad2d_backward.*deterministic"),
}

ALLOWED = {
    "a scalar": lambda device: torch.ones(2, device=device) + torch.ones(()),
    "rows by CPU indices": lambda device: torch.ones(2, device=device)[torch.zeros(1).long()],
    "a sum of integers": lambda device: torch.ones(2, device=device).long().cumsum(0),
    "a copy": lambda device: torch.ones(2).copy_(torch.ones(2, device=device)),
    "a number": lambda device: float(torch.ones((), device=device)),
    "numbers from the CPU": lambda device: torch.randn(2, generator=torch.Generator()).to(device),
}


@pytest.mark.parametrize(("use", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_the_device_refuses_what_cuda_refuses(use, reason):
    with pytest.raises(RuntimeError, match=reason), pretend_gpu() as device:
        use(device)


@pytest.mark.parametrize("use", ALLOWED.values(), ids=ALLOWED.keys())
def test_the_device_allows_what_cuda_allows(use):
    with pretend_gpu() as device:
        use(device)


@pytest.fixture(scope="module")
def entries(tmp_path_factory):
    return Entries(tmp_path_factory.mktemp("entries"))


@pytest.mark.parametrize("case", covering(UNLIKE_PAIRS))
def test_training_every_inference_and_what_is_shown_beside_the_scores(entries, tmp_path, monkeypatch, case):
    # A pretended GPU draws thousands of entries one operation at a time, and ten keep the same rules.
    monkeypatch.setattr(flow, "draws_shown", partial(draws_shown, n=10))
    monkeypatch.setattr(flow_matching, "_GENERATED", 10)
    configs = [entries.config(*case, inference=name) for name in INFERENCES]
    model, data = entries.build(configs[0])
    searched = isinstance(model, Searchable)
    assert searched or isinstance(
        model, BIBAE | Distilled | AveragedModel | FittedModel | DeepSVDD | FlowMatching | DoubleAutoencoder
    )
    tried = [RunConfig.of(cfg) for cfg in configs[: None if searched else 1]]
    inferences = [build_inference(cfg, model, data, tmp_path) for cfg in tried]
    with pretend_gpu():
        fit(model, data, strategy=strategy())
        for inference in inferences:
            evaluate = Evaluate(tmp_path, None, [0.1], inference)
            score(model, data, *([] if inference is None else [inference]), evaluate, strategy=strategy())
            assert set(evaluate.samples) == {"background", "signal"}


@pytest.mark.parametrize("case", covering(UNLIKE_PAIRS))
def test_chunks_are_scored_on_the_device_as_on_the_cpu(entries, case):
    model, data = entries.build(entries.config(*case))
    batch = data.train_entries.batch
    starts = range(0, len(batch.x), 8)
    found = []
    with pretend_gpu() as device:
        for where in (torch.device("cpu"), device):
            scores = Forward(model.eval(), where).scores(
                starts, lambda start: take_rows(batch, slice(start, start + 8))
            )
            found.append([(start, torch.from_numpy(part)) for start, part in scores])
    assert model.device.type == "cpu"
    for (start, on_cpu), (same, there) in zip(*found, strict=True):
        assert start == same
        torch.testing.assert_close(there, on_cpu)


# A search compares entries by a loss, whatever made them: each loss with one model of each kind of data. With every
# model it searches in the test above.
SEARCHED = {(data, loss): (model, data, loss) for model, data, loss in reversed(LOSSES)}.values()


@pytest.mark.parametrize("case", covering(LOSSES, (0,), (2,)))
def test_every_loss_trains_scores_and_is_searched_with(entries, case):
    cfg = entries.config(*case)
    try:
        validate(cfg)
        model, data = entries.build(cfg)
    except UserError:
        # Which losses are refused, and how, is tests/unit/models/test_every_model.py's to say.
        return
    with pretend_gpu() as device:
        if not isinstance(model, ReconstructionModel):
            fit(model, data, strategy=strategy())
            return
        model.to(device).log = lambda *args, **settings: None
        optimizer = model.optimizer_factory(model.parameters())
        batch = on_device(next(iter(data.train_dataloader())), device)
        model.training_step(batch, 0).backward()
        optimizer.step()
        model.validation_step(batch, 0)
        assert torch.isfinite(model.anomaly_score(batch)).all()
        # Of objects in no order no feature is to blame.
        assert (model.loss_per_feature(batch) is None) == any(isinstance(p, PointCloudLoss) for p in model.modules())
        if case not in SEARCHED:
            return
        target, mask = model.latent_target(take_rows(batch, slice(1)))
        for gamma_theta in (0.0, 1e-4):
            settings = SearchSettings(n_seed=1, steps=1, gamma_theta=gamma_theta)
            search = LatentSearch(model.latent_network(), settings, model.loss, device=device)
            found = search(target.detach(), torch.zeros(1, 1, *search.latent_shape), mask)
            assert found.losses.device.type == "cpu"
            assert torch.isfinite(found.losses).all()
