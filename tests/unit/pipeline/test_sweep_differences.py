"""Whether the run that is there is the run that is asked for."""

from pathlib import Path

from hepad.pipeline.sweep_record import differing_keys

DIRECTORY = Path("/sweep/job")
CONFIG = {
    "seed": 1,
    "optimizer": {"lr": 1e-3},
    "data": {"half": None, "samples": {"signal": "signal.h5"}},
    "callbacks": {"checkpoint": {"dirpath": "/sweep/job/checkpoints"}},
    "logger": {"wandb": {"mode": "auto"}},
    "paths": {"root": "."},
    "evaluation": {"plots": True, "references": None},
}


def stored(**changes) -> dict:
    there = {**CONFIG, "data": {"half": "second", "samples": {"signal": str(Path("signal.h5").absolute())}}}
    return {**there, **changes}


def test_a_run_of_the_same_config_is_the_same_wherever_it_lies_and_whatever_it_logs():
    moved = {"checkpoint": {"dirpath": "/elsewhere/job/checkpoints"}}
    there = stored(logger={}, paths={"root": "/elsewhere"}, callbacks=moved)
    assert differing_keys(CONFIG, there, DIRECTORY) == []
    assert differing_keys(CONFIG, stored(evaluation={"plots": False, "references": None}), DIRECTORY) == []


def test_another_value_a_new_key_and_a_missing_one_are_named():
    assert differing_keys(CONFIG, stored(optimizer={"lr": 1e-4}), DIRECTORY) == ["optimizer.lr: 0.0001 → 0.001"]
    assert differing_keys(CONFIG, stored(beta=2), DIRECTORY) == ["beta: 2 → absent"]
    without = stored()
    del without["seed"]
    assert differing_keys(CONFIG, without, DIRECTORY) == ["seed: absent → 1"]


def test_another_file_and_another_reference_differ():
    samples = {"half": "second", "samples": {"signal": "/other/signal.h5"}}
    assert len(differing_keys(CONFIG, stored(data=samples), DIRECTORY)) == 1
    assert len(differing_keys(CONFIG, stored(evaluation={"plots": True, "references": ["a"]}), DIRECTORY)) == 1
