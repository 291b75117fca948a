"""On a real GPU: every model trains deterministically, scores and searches agree with the CPU's, commands end well."""

import h5py
import numpy as np
import pytest
import torch

import hepad
from hepad import score, train
from hepad.core.batch import on_device, take_rows
from hepad.inference import LatentSearch, SearchSettings
from hepad.models import ReconstructionModel, Searchable
from hepad.scores.forward import Forward
from tests.conftest import write_jet_file
from tests.gpu.cases import BRIEF, INFERENCES, UNLIKE_PAIRS, Entries, fit
from tests.runs.conftest import call

pytestmark = pytest.mark.gpu

AGREEMENT = 5e-5
"""Part of the largest number: sums of float32 in another order move scores by a few 1e-6, TF32 by more than 1e-4."""

GPU = {"accelerator": "gpu", "devices": 1}


def assert_agree(on_gpu: torch.Tensor, on_cpu: torch.Tensor) -> None:
    torch.testing.assert_close(on_gpu.cpu(), on_cpu, rtol=0, atol=AGREEMENT * float(on_cpu.abs().max()))


@pytest.fixture(scope="module")
def entries(tmp_path_factory):
    return Entries(tmp_path_factory.mktemp("entries"))


@pytest.fixture(scope="module", params=UNLIKE_PAIRS, ids="-".join)
def trained(request, entries):
    """A model after two steps on the GPU, its data, and a second model that went the same way."""
    (model, data), (again, same) = (entries.build(entries.config(*request.param)) for _ in range(2))
    fit(model, data, **GPU)
    fit(again, same, **GPU)
    return model.eval(), data, again


def test_two_trainings_are_the_same_to_the_last_bit(trained):
    model, _, again = trained
    for key, value in again.state_dict().items():
        assert torch.equal(value, model.state_dict()[key]), key


@pytest.mark.parametrize("pair", UNLIKE_PAIRS, ids="-".join)
def test_recorded_steps_are_those_taken_one_by_one(entries, pair):
    """Twelve steps, of which three warm up: played back twice, and taken without a recording."""
    found = []
    for steps in (None, None, 1):
        model, data = entries.build(entries.config(*pair))
        loop = fit(model, data, steps, max_epochs=4, limit_train_batches=None, **GPU)
        assert (loop.recorded is None) == (steps == 1)
        assert loop.recorded is None or loop.recorded.reason == ""
        found.append(model.state_dict())
    for name, value in found[0].items():
        assert torch.equal(found[1][name], value), name
        if value.is_floating_point():
            # The optimiser's arithmetic differs where it counts on the device.
            torch.testing.assert_close(found[2][name], value, rtol=1e-3, atol=1e-4 * float(value.abs().max() + 1))


def test_scores_are_those_of_the_cpu(trained):
    model, data, _ = trained
    batch = data.test_entries["signal"].batch
    with torch.inference_mode():
        on_cpu = model.cpu().anomaly_score(batch)
        on_gpu = model.cuda().anomaly_score(on_device(batch, model.device))
    model.cpu()
    assert_agree(on_gpu, on_cpu)


def test_chunks_on_their_way_there_and_back_have_the_scores_of_the_cpu(trained):
    model, data, _ = trained
    batch = take_rows(data.test_entries["signal"].batch, torch.arange(10).repeat(70))
    model.cpu()

    def scores(where: str) -> torch.Tensor:
        forward = Forward(model, torch.device(where))
        chunks = forward.scores(range(0, 700, 64), lambda start: take_rows(batch, slice(start, start + 64)))
        return torch.cat([torch.from_numpy(part) for _, part in chunks])

    on_gpu = scores("cuda")
    assert torch.equal(on_gpu, scores("cuda"))
    assert_agree(on_gpu, scores("cpu"))
    assert model.device.type == "cpu"


@pytest.mark.parametrize("gamma_theta", [0.0, 1e-4])
def test_a_search_is_that_of_the_cpu(trained, gamma_theta):
    model, data, _ = trained
    if not isinstance(model, Searchable):
        return
    target, mask = model.latent_target(data.val_entries.batch)
    settings = SearchSettings(n_seed=2, steps=5, gamma_theta=gamma_theta)
    loss = model.loss if isinstance(model, ReconstructionModel) else None
    found = []
    for device in ("cpu", "cuda"):
        model.to(device)
        search = LatentSearch(model.latent_network(), settings, loss, device=device)
        codes = np.random.default_rng(0).standard_normal((len(target), 2, *search.latent_shape))
        found.append(search(target.detach(), torch.from_numpy(codes).float(), mask))
    model.cpu()
    assert_agree(found[1].trace, found[0].trace)


@pytest.mark.parametrize("loss", ["mse", "ssim"])
@pytest.mark.parametrize("data", ["calo", "jet_images"])
def test_the_command_trains_a_convolutional_autoencoder(tmp_path, data, loss):
    words = [f"data={data}", f"loss={loss}", "data.limit=200", "trainer.max_epochs=2", "trainer.accelerator=gpu"]
    done = call(train.main, tmp_path, "model=conv_ae", *words, "logger=none", "hydra.run.dir=run")
    assert done.code == 0, done.err
    assert (tmp_path / "run/report.html").is_file()


@pytest.mark.parametrize("inference", [name for name in INFERENCES if name != "forward"])
def test_the_command_searches_with_a_bigan(tmp_path, inference):
    search = [f"inference.{name}={value}" for name, value in (BRIEF | INFERENCES[inference]).items()]
    words = ["data=calo", "data.limit=200", "trainer.max_epochs=2", "trainer.accelerator=gpu", "logger=none"]
    done = call(train.main, tmp_path, "model=bigan", "inference=latent_search", *words, *search, "hydra.run.dir=run")
    assert done.code == 0, done.err
    assert (tmp_path / "run/report.html").is_file()


def test_files_and_arrays_have_the_same_scores(tmp_path):
    words = ["model=dense_ae", "data.limit=500", "trainer.max_epochs=2", "evaluation.plots=false", "logger=none"]
    assert call(train.main, tmp_path, *words, "hydra.run.dir=run").code == 0
    source = write_jet_file(tmp_path / "new.h5", n_events=400_000)
    found = {}
    for device in ("cpu", "gpu"):
        done = call(score.main, tmp_path, "run=run", f"input={source}", f"output={device}.h5", f"device={device}")
        assert done.code == 0, done.err
        with h5py.File(tmp_path / f"{device}.h5") as file, h5py.File(source) as held:
            found[device] = torch.from_numpy(file["score"][:])
            jets = held["jet_event_data"][:][file["index"][:], file["slot"][:]]
        run = hepad.load_run(tmp_path / "run")
        assert torch.equal(found[device], torch.from_numpy(run.score(jets, device=device)))
        assert run.model.device.type == "cpu"
    assert_agree(found["gpu"], found["cpu"])
