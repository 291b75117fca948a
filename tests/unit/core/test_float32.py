"""Float32 without TF32: what is set meanwhile, and that whatever a user had set comes back."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
import torch
from torch import nn

from hepad.config import RunConfig
from hepad.core.batch import Batch
from hepad.core.float32 import Float32Precision, exact_float32
from hepad.inference import LatentSearch, SearchSettings
from hepad.models import AnomalyModel
from hepad.nn import LatentNetwork
from hepad.run import evaluating, executing, worker


def uses_tf32() -> list[bool]:
    """Whether convolutions and matrix products would use TF32 on a GPU; a contradiction in the settings raises."""
    return [
        torch.backends.cudnn.conv.fp32_precision != "ieee",
        torch.backends.cudnn.allow_tf32,
        torch.backends.cuda.matmul.fp32_precision != "ieee",
        torch.backends.cuda.matmul.allow_tf32,
        torch.get_float32_matmul_precision() != "highest",
    ]


def older(matmul: str, cudnn: bool) -> None:
    torch.set_float32_matmul_precision(matmul)
    torch.backends.cudnn.allow_tf32 = cudnn


def newer(precision: str) -> None:
    torch.backends.cudnn.conv.fp32_precision = precision
    torch.backends.cuda.matmul.fp32_precision = precision


SETTINGS = {
    "as PyTorch starts": lambda: None,
    "high": lambda: older("high", True),
    "medium": lambda: older("medium", False),
    "newer": lambda: newer("tf32"),
    "mixed": lambda: (older("high", False), newer("tf32")),
}


@pytest.fixture(params=SETTINGS.values(), ids=SETTINGS.keys())
def settings(request):
    """What a user may have set; what was there before the test comes back after it."""
    before = Float32Precision.now()
    request.param()
    yield Float32Precision.now()
    before.set()


def test_nothing_uses_tf32_meanwhile_and_the_settings_come_back(settings):
    with exact_float32():
        assert not any(uses_tf32())
        with exact_float32():
            pass
        assert not any(uses_tf32())
    assert Float32Precision.now() == settings


def test_the_settings_come_back_after_an_error(settings):
    with pytest.raises(ValueError, match="in the middle"), exact_float32():
        raise ValueError("in the middle")
    assert Float32Precision.now() == settings


def test_the_last_of_several_threads_brings_the_settings_back():
    before = Float32Precision.now()
    together, first_is_done = Barrier(2), Barrier(2)

    def compute(leaves_first: bool) -> bool:
        with exact_float32():
            together.wait()
            if not leaves_first:
                first_is_done.wait()
            exact = not any(uses_tf32())
        if leaves_first:
            first_is_done.wait()
        return exact

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(compute, (True, False))) == [True, True]
    assert Float32Precision.now() == before


class Witness(nn.Module):
    """Maps codes to entries, and looks at the settings."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 3)

    def forward(self, code: torch.Tensor) -> torch.Tensor:
        WITNESSED.append(any(uses_tf32()))
        return self.layer(code)


WITNESSED: list[bool] = []


@pytest.fixture(autouse=True)
def nothing_witnessed():
    WITNESSED.clear()


class WitnessModel(AnomalyModel):
    def score_batch(self, batch: Batch) -> torch.Tensor:
        WITNESSED.append(any(uses_tf32()))
        return batch.x.sum(dim=1)


def test_scores_are_exact_wherever_they_are_made():
    WitnessModel((3,)).anomaly_score(Batch(torch.ones(2, 3)))
    assert WITNESSED == [False]


@pytest.mark.parametrize("gamma_theta", [0.0, 0.1])
def test_a_latent_search_is_exact(gamma_theta):
    search = LatentSearch(
        LatentNetwork(Witness(), (2,), True), SearchSettings(steps=2, n_seed=2, gamma_theta=gamma_theta)
    )
    search(torch.zeros(4, 3), torch.zeros(4, 2, 2))
    assert WITNESSED
    assert not any(WITNESSED)


@pytest.mark.parametrize(
    ("module", "begin"),
    [
        (executing, lambda: executing.execute_run(RunConfig.of({}), Path(), None)),
        (worker, lambda: worker.run_worker(RunConfig.of({}), Path(), None, Path())),
        (evaluating, lambda: evaluating.evaluate_run(RunConfig.of({}), [])),
    ],
    ids=["train", "train as a further process", "evaluate"],
)
def test_commands_compute_exactly_from_their_beginning(monkeypatch, module, begin):
    class Begun(Exception):
        pass

    def look(*_: object) -> None:
        WITNESSED.append(any(uses_tf32()))
        raise Begun

    monkeypatch.setattr(module, "quieten" if module is evaluating else "assemble", look)
    with pytest.raises(Begun):
        begin()
    assert WITNESSED == [False]
