"""Settings of trainer and checkpoint: refused before the training, or meant seriously."""

import lightning as L
import pytest
import torch
from tests.conftest import write_jet_file

from hepad.checks.trainer_settings import check_batches, validate_trainer
from hepad.config import RunConfig, compose
from hepad.core.errors import UserError
from hepad.data import JetsDataModule
from hepad.logging.loggers import quieten
from hepad.models import BiGAN, DenseAutoencoder
from hepad.run.building import build_trainer

MSE = {"_target_": "hepad.losses.MSE"}


def config(tmp_path, **changes):
    cfg = RunConfig.of(compose("train", ["callbacks.progress=null", f"paths.run={tmp_path}"]))
    return cfg.changed({key.replace("__", "."): value for key, value in changes.items()})


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("trainer.limit_val_batches", 0, "limit_val_batches=0"),
        ("trainer.limit_train_batches", 0, "limit_train_batches=0"),
        ("trainer.fast_dev_run", True, "debug=fast"),
        ("trainer.limit_test_batches", 1, "evaluation always scores every entry"),
        ("trainer.limit_predict_batches", 1, "evaluation always scores every entry"),
        ("trainer.overfit_batches", 1, "data.limit"),
        ("trainer.barebones", True, "checkpoints and losses"),
        ("trainer.enable_checkpointing", False, "callbacks.checkpoint"),
        ("trainer.logger", True, "use logger="),
        ("trainer.callbacks", None, "group callbacks"),
        ("trainer.reload_dataloaders_every_n_epochs", 1, "shuffled anew"),
        ("trainer.min_epochs", 200, "more than trainer.max_epochs=100"),
        ("trainer.check_val_every_n_epoch", 101, "none of the 100 epochs validated"),
        ("callbacks.checkpoint", None, "monitor=null keeps those of the last epoch"),
        ("callbacks.checkpoint.filename", "other", "read 'best'"),
        ("callbacks.checkpoint.dirpath", "/elsewhere", "evaluate, score and resume read"),
        ("callbacks.checkpoint.save_top_k", 3, "1 is needed"),
        ("callbacks.checkpoint.save_top_k", -1, "1 is needed"),
        ("callbacks.checkpoint.every_n_epochs", 101, "none of the 100 epochs"),
    ],
)
def test_what_leaves_nothing_to_score_with_is_refused_in_one_line(tmp_path, key, value, said):
    with pytest.raises(UserError, match=said) as refusal:
        validate_trainer(config(tmp_path, **{key.replace(".", "__"): value}))
    assert "\n" not in str(refusal.value)


def test_the_defaults_pass(tmp_path):
    validate_trainer(config(tmp_path))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = write_jet_file(tmp_path_factory.mktemp("jets") / "a.h5")
    data = JetsDataModule(samples={"a": str(path)}, background="a", bundled=False, batch_size=64)
    data.setup()
    return data


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("limit_val_batches", 1e-9),
        ("limit_train_batches", 1e-3),
        ("val_check_interval", 1000),
        ("val_check_interval", 1e-3),
    ],
)
def test_less_than_one_batch_is_refused_with_the_number_of_batches(tmp_path, data, key, value):
    with pytest.raises(UserError, match=rf"trainer.{key}=.* batches"):
        check_batches(config(tmp_path, **{f"trainer__{key}": value}), data)


def test_a_part_of_the_batches_is_accepted(tmp_path, data):
    check_batches(config(tmp_path, trainer__limit_train_batches=0.5, trainer__val_check_interval=0.5), data)


def test_a_stored_config_cannot_cut_what_is_scored(tmp_path):
    cfg = config(tmp_path, trainer__limit_test_batches=1, trainer__fast_dev_run=True, trainer__overfit_batches=2)
    trainer = build_trainer(cfg, [])
    assert (trainer.limit_test_batches, trainer.fast_dev_run, trainer.overfit_batches) == (1.0, False, 0.0)


@pytest.mark.parametrize("validated_every", [1, 2])
@pytest.mark.parametrize("model_class", [DenseAutoencoder, BiGAN])
def test_plateau_counts_validations_where_not_every_epoch_has_one(data, model_class, validated_every):
    quieten()
    loss = MSE if model_class is DenseAutoencoder else {"_target_": "hepad.losses.NonSaturating"}
    model = model_class(entry_shape=[17], loss=loss)
    model.prepare(data.train_entries.batch)
    model.scheduler_factory = lambda o: torch.optim.lr_scheduler.ReduceLROnPlateau(o, patience=100)
    model.validated_every = validated_every
    trainer = L.Trainer(
        max_epochs=4, limit_train_batches=1, check_val_every_n_epoch=validated_every, accelerator="cpu", logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
    )  # fmt: skip
    trainer.fit(model, datamodule=data)
    schedulers = model.lr_schedulers()
    # torch counts from its own construction.
    for scheduler in schedulers if isinstance(schedulers, list) else [schedulers]:
        assert scheduler.last_epoch == 4 // validated_every
