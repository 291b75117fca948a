"""What every model promises, for every model of configs/model on every kind of data it takes; nothing is listed here.

Entries are made up by kind of data, so a new model is covered as soon as its YAML is there.
"""

import lightning as L
import pytest
import torch
from omegaconf import DictConfig
from tests.every_model import (
    ADVERSARIAL_LOSSES,
    CASES,
    CASES_THAT_RECONSTRUCT,
    CASES_WITH_SLOTS,
    CLASSES,
    LOSSES,
    PAIRS,
    STRUCTURE,
    WITH_A_LOSS,
    WRITERS,
    build,
    data_class,
)
from tests.left_out import covering

from hepad.checks.combinations import validate
from hepad.config import compose
from hepad.core.batch import Batch
from hepad.core.errors import UserError
from hepad.data import AnomalyDataModule
from hepad.data.loader import take_rows
from hepad.logging.loggers import quieten
from hepad.losses import PointCloudLoss
from hepad.models import AnomalyModel, Distilled
from hepad.models.adversarial import AdversarialModel
from hepad.nn.blur import GaussianBlur
from hepad.nn.phi_conv import PhiConv, PhiConvTranspose, PhiDoubling, PhiHalving

N_ENTRIES = 120


# Losses of the other kind of model are refused by what they are, whatever the data and the loss.
MISFITS = [
    (model, data, "mse" if issubclass(CLASSES[model], AdversarialModel) else "hinge")
    for model, data in dict(PAIRS).items()
    if model in WITH_A_LOSS
]


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """Return a composer of configs on made-up entries, each kind of which is written once."""
    directory = tmp_path_factory.mktemp("entries")

    def make(model: str, data: str, *words: str) -> DictConfig:
        kind = data_class(data).kind
        path = directory / f"{kind}.h5"
        if not path.exists():
            WRITERS[kind](path, n_events=N_ENTRIES, seed=1)
        cfg = compose("train", [f"model={model}", f"data={data}", "data.batch_size=16", "callbacks=default", *words])
        cfg.data.bundled, cfg.data.samples, cfg.data.background = False, {"background": str(path)}, "background"
        cfg.paths.run = str(directory)
        return cfg

    return make


def fit_two_steps(model: AnomalyModel, data: AnomalyDataModule) -> None:
    quieten()
    trainer = L.Trainer(
        max_steps=2, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, num_sanity_val_steps=0, limit_val_batches=1,
    )  # fmt: skip
    trainer.fit(model, datamodule=data)


def scores(model: AnomalyModel, batch: Batch) -> torch.Tensor:
    with torch.no_grad():
        return model.anomaly_score(batch)


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def trained(request, config) -> tuple[AnomalyModel, Batch]:
    """A model after two steps, in train mode, and entries to score."""
    model, data = build(config(*request.param))
    fit_two_steps(model, data)
    return model.train(), data.test_entries["background"].batch


def test_a_score_is_one_finite_number_per_entry(trained):
    model, batch = trained
    found = scores(model, batch)
    assert found.shape == (len(batch.x),)
    assert torch.isfinite(found).all()
    assert found.std() > 0


def test_permuting_and_splitting_entries_permutes_scores_and_changes_nothing_else(trained):
    model, batch = trained
    together = scores(model, batch)
    order = torch.randperm(len(together), generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(scores(model, take_rows(batch, order)), together[order], rtol=1e-4, atol=1e-5)
    parts = [scores(model, take_rows(batch, slice(i, i + 7))) for i in range(0, len(together), 7)]
    torch.testing.assert_close(torch.cat(parts), together, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(scores(model, take_rows(batch, slice(1))), together[:1], rtol=1e-4, atol=1e-5)


def test_scoring_is_in_eval_mode_and_leaves_everything_as_it_was(trained):
    model, batch = trained
    modes = {name: part.training for name, part in model.named_modules()}
    before = {name: value.clone() for name, value in model.state_dict().items()}
    in_train_mode = scores(model, batch)
    assert {name: part.training for name, part in model.named_modules()} == modes
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name
    model.eval()
    assert torch.equal(scores(model, batch), in_train_mode)
    model.train()


def test_a_checkpoint_alone_scores_raw_data(trained, tmp_path):
    model, batch = trained
    trainer = L.Trainer(logger=False, enable_checkpointing=False, accelerator="cpu", enable_progress_bar=False)
    trainer.strategy.connect(model)
    trainer.save_checkpoint(tmp_path / "model.ckpt")
    back = type(model).load_from_checkpoint(tmp_path / "model.ckpt", weights_only=True)
    torch.testing.assert_close(scores(back, batch), scores(model, batch))


@pytest.mark.parametrize("trained", CASES_WITH_SLOTS, indirect=True, ids="-".join)
def test_slots_that_are_empty_do_not_count(trained):
    model, batch = trained
    noisy = torch.where(batch.mask.unsqueeze(-1), batch.x, torch.full_like(batch.x, 3.0))
    torch.testing.assert_close(scores(model, batch._replace(x=noisy)), scores(model, batch))


@pytest.mark.parametrize("trained", CASES_THAT_RECONSTRUCT, indirect=True, ids="-".join)
def test_a_reconstruction_has_the_shape_of_its_entries(trained):
    model, batch = trained
    with torch.no_grad():
        assert model.reconstruct_raw(batch).shape == batch.x.shape
        per_feature = model.loss_per_feature(batch)
        assert (per_feature is None) == isinstance(model.loss, PointCloudLoss)
        assert per_feature is None or len(per_feature) == len(batch.x)


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if STRUCTURE[pair[1]] == "image"], ids="-".join)
def test_convolutions_close_a_ring_only_where_the_data_have_one(config, pair):
    model, data = build(config(*pair))
    on_rings = (PhiConv, PhiConvTranspose, PhiHalving, PhiDoubling, GaussianBlur)
    rings = {part.circular for part in model.modules() if isinstance(part, on_rings)}
    assert rings <= {getattr(data, "periodic_phi", False)}
    # CICADA's student alone convolves 2 × 2 regions without any padding.
    assert rings or isinstance(model, Distilled)


@pytest.mark.parametrize("words", covering(LOSSES, (0,), (1, 2)))
def test_every_loss_trains_or_is_refused_in_one_line(config, words):
    model, data, loss = words
    built, refusal = try_to_build(config(model, data, f"loss={loss}"))
    if built is None:
        assert loss not in ("mse", *ADVERSARIAL_LOSSES)
        assert refusal.count("\n") == 0
        assert "loss" in refusal
        return
    network, module = built
    before = [weight.detach().clone() for weight in network.parameters()]
    fit_two_steps(network, module)
    found = scores(network, take_rows(module.val_entries.batch, slice(20)))
    assert torch.isfinite(found).all()
    assert any(not torch.equal(old, new) for old, new in zip(before, network.parameters(), strict=True))


@pytest.mark.parametrize("words", MISFITS, ids=lambda words: "-".join(words))
def test_a_loss_of_another_kind_of_model_is_refused_in_one_line(config, words):
    model, data, loss = words
    built, refusal = try_to_build(config(model, data, f"loss={loss}"))
    assert built is None
    assert "; use " in refusal
    assert refusal.count("\n") == 0


def try_to_build(cfg: DictConfig) -> tuple[tuple[AnomalyModel, AnomalyDataModule] | None, str]:
    """Return a model and its data, or None and the reason why they do not fit."""
    try:
        validate(cfg)
        return build(cfg), ""
    except UserError as error:
        return None, str(error)
