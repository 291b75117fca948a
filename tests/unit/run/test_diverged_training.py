"""Diverged trainings: weights and losses are looked at before anything is called good."""

import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from hepad.checkpoints import training_checkpoint
from hepad.checkpoints.divergence import check_best, divergence_note, nonfinite_weights
from hepad.checkpoints.training_checkpoint import find_checkpoint
from hepad.config import RunConfig
from hepad.core.errors import JobError, UserError

CFG = RunConfig.of(
    {"optimizer": {"lr": 1e30}, "trainer": {"max_epochs": 3, "check_val_every_n_epoch": 1, "max_time": "00:00:00:01"}}
)


def kept(tmp_path, model, score=1.0):
    path = tmp_path / "best.ckpt"
    torch.save({"state_dict": model.state_dict()}, path)
    score = None if score is None else torch.tensor(score)
    return SimpleNamespace(best_model_path=str(path), best_model_score=score, monitor="val/loss")


def test_counts_what_is_not_finite_among_parameters():
    state = {"a": torch.tensor([1.0, math.nan, math.inf]), "steps": torch.tensor(3), "lowest": torch.tensor(-math.inf)}
    assert nonfinite_weights(state, frozenset({"a"})) == (2, 3)
    assert nonfinite_weights(state) == (3, 4)


def test_weights_and_losses_that_are_finite_pass(tmp_path):
    model = nn.Linear(3, 2)
    for score in (0.3, None):
        check_best(model, kept(tmp_path, model, score), CFG)


def test_one_nan_among_the_weights_ends_the_run_with_the_fix(tmp_path):
    model = nn.Linear(3, 2)
    model.weight.data[0, 0] = math.nan
    with pytest.raises(JobError, match=r"diverged: 1 of 8 weights .* smaller optimizer.lr than 1e\+30"):
        check_best(model, kept(tmp_path, model), CFG)


@pytest.mark.parametrize("score", [math.inf, math.nan])
def test_a_best_loss_that_is_no_number_ends_the_run(tmp_path, score):
    model = nn.Linear(3, 2)
    with pytest.raises(JobError, match="diverged: val/loss is"):
        check_best(model, kept(tmp_path, model, score), CFG)


def test_without_a_validated_epoch_there_is_one_line(tmp_path):
    nothing = SimpleNamespace(best_model_path="", best_model_score=None, monitor="val/loss")
    with pytest.raises(JobError, match=r"before an epoch was validated.*trainer.max_time=00:00:00:01"):
        check_best(nn.Linear(3, 2), nothing, CFG)


def test_a_run_is_resumed_from_the_last_checkpoint_without_nan(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(training_checkpoint, "_CONTENT", lambda content, where: None)
    parts = {name: [] for name in ("optimizer_states", "lr_schedulers", "loops", "callbacks")}
    for name, weight in (("previous", 1.0), ("last", math.nan)):
        torch.save({**parts, "state_dict": {"w": torch.tensor(weight)}}, tmp_path / f"{name}.ckpt")
    found, why = find_checkpoint(tmp_path)
    assert found == tmp_path / "previous.ckpt"
    assert "1 of its weights are NaN" in why
    assert "previous.ckpt" in capsys.readouterr().out
    (tmp_path / "previous.ckpt").write_bytes((tmp_path / "last.ckpt").read_bytes())
    with pytest.raises(UserError, match=r"smaller optimizer.lr"):
        find_checkpoint(tmp_path)


def test_a_training_that_diverged_after_its_best_epoch_is_noted():
    assert "train/loss of epoch 2" in divergence_note({"train/loss": [1.0, math.nan], "val/loss": [1.0, math.nan]})[0]
    assert not divergence_note({"train/loss": [1.0, 0.5], "val/loss": [1.0, math.nan]})
    assert not divergence_note({})
