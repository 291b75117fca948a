"""By what runs are ordered, and what is said about it."""

from pathlib import Path

import pytest

from hepad.config import compose
from hepad.pipeline.jobs import Job
from hepad.pipeline.metric import caveats, default_metric, unordered_note, varied

SECTIONS = ("model", "data")


def jobs(*choices: str) -> list[Job]:
    composed = [compose("train", [choice] if choice else []) for choice in choices]
    return [Job(str(i), {}, [], Path(), {name: cfg[name] for name in SECTIONS}) for i, cfg in enumerate(composed)]


@pytest.mark.parametrize(
    ("key", "choices", "metric", "also"),
    [
        ("seed", ["seed=1", "seed=2"], "val/loss", []),
        ("loss", ["loss=mse", "loss=huber"], "val/mae", []),
        ("model", ["model=dense_ae", "model=vae"], "val/mae", []),
        # An adversarial network reconstructs nothing, and a student's error is that of its teacher's score.
        ("model", ["model=dense_ae", "model=gan"], "val/loss", []),
        ("model", ["model=dense_ae", "model=distilled"], "val/loss", []),
        ("model", ["model=dense_ae", "model=td_ae"], "val/mae", ["data"]),
        ("data.background", ["data.background=jet_ht", "data.background=zero_bias"], "val/loss", []),
    ],
)
def test_runs_are_ordered_by_what_they_share(key, choices, metric, also):
    composed = jobs(*choices)
    found = varied([key], composed)
    assert found[0] == key
    assert set(also) <= set(found)
    assert default_metric(found, composed) == metric


def test_what_cannot_be_compared_is_said():
    assert caveats("val/loss", ["seed", "optimizer.lr", "data.batch_size"]) == []
    assert "not one quantity" in caveats("val/loss", ["model.beta"])[0]
    assert "not one quantity" in caveats("val/mae", ["loss"])[0]
    assert len(caveats("val/mae", ["loss", "model.normalizer"])) == 2
    assert "chosen by the signals" in caveats("test/auc/a_vs_b", ["seed"])[0]


def test_runs_of_different_objectives_have_no_order_and_the_reason_is_told():
    told = unordered_note(["model"], jobs("model=dense_ae", "model=vae"))
    assert "differ in model: no loss is one quantity" in told
    assert told.endswith("command. sweep.metric=val/mae, the mean absolute error, would order them.")
    # An adversarial network has no reconstruction error to be ordered by.
    told = unordered_note(["model", "data"], jobs("model=dense_ae", "model=bigan"))
    assert told.endswith("command. sweep.metric names what to order by.")
    assert unordered_note(["seed", "optimizer.lr", "data.batch_size"], jobs("seed=1", "seed=2")) is None
    assert unordered_note(["model.normalizer"], jobs("", "model.normalizer=robust")) is not None
    # Keys of the user's own names have Hydra's ++ before them.
    assert "differ in ++data.regions.a:" in unordered_note(["++data.regions.a"], jobs("seed=1", "seed=2"))
