"""`python -m hepad.train -m sweep=optuna`: a search that continues, prunes, and outlives failures."""

import csv
import json
from pathlib import Path

import pytest
from optuna.trial import create_trial

from hepad import train
from hepad.core.errors import JobOutcome
from hepad.pipeline import hyperparameter_search as search
from hepad.pipeline.trials import NAME, distributions, open_study, parse_space, storage
from tests.runs.conftest import call, two_samples

SHORT = ["trainer.max_epochs=2", "evaluation.plots=false", "logger=none"]
SPACE = ["optimizer.lr=tag(log,interval(1e-4,1e-2))", "model.latent=range(2,9)"]


def trials(sweep: Path):
    import optuna

    return optuna.load_study(study_name=NAME, storage=storage(sweep)).trials


def rows_of(sweep: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((sweep / "sweep.csv").read_text().splitlines()))


@pytest.mark.thorough
def test_a_search_goes_on_where_it_was_stopped(tmp_path, monkeypatch):
    words = ["-m", "sweep=optuna", *two_samples(tmp_path), *SPACE, *SHORT]

    def killed(*args):
        raise KeyboardInterrupt

    # Stopped when the second trial was trained and nobody had been told yet.
    tell, told = search.tell, []
    monkeypatch.setattr(search, "tell", lambda *args: killed() if told else (told.append(1), tell(*args)))
    assert call(train.main, tmp_path, *words, "sweep.n_trials=3").code == 130
    monkeypatch.setattr(search, "tell", tell)
    (sweep,) = (tmp_path / "multirun").iterdir()
    assert [trial.state.name for trial in trials(sweep)] == ["COMPLETE", "RUNNING"]
    before = (sweep / "trial-001/scores.h5").stat().st_mtime_ns

    done = call(train.main, tmp_path, *words, "sweep.n_trials=3")
    assert done.code == 0, done.err
    assert [trial.state.name for trial in trials(sweep)] == ["COMPLETE"] * 3
    assert (sweep / "trial-001/scores.h5").stat().st_mtime_ns == before
    for trial in trials(sweep):
        history = list(csv.DictReader((sweep / f"trial-{trial.number:03}/history.csv").read_text().splitlines()))
        assert trial.value == min(float(row["val/loss"]) for row in history)
        assert 1e-4 <= trial.params["optimizer.lr"] <= 1e-2
    # A later search must not draw the same numbers again.
    assert len({trial.params["optimizer.lr"] for trial in trials(sweep)}) == 3
    losses = [float(row["val/loss"]) for row in rows_of(sweep)]
    assert losses == sorted(losses)
    best = rows_of(sweep)[0]
    assert f"best    optimizer.lr={best['optimizer.lr']} model.latent={best['model.latent']}" in done.out

    assert "3 runs" in call(train.main, tmp_path, *words, "sweep.n_trials=3").out
    assert len(trials(sweep)) == 3
    changed = call(train.main, tmp_path, *words, "sweep.n_trials=4", f"sweep.name={sweep.name}", "model.latent=2,3")
    assert changed.code == 2
    assert "begun with another space" in changed.err


def test_a_trial_without_a_number_does_not_end_the_search(run_train, own_samples, tmp_path):
    words = ["-m", "sweep=optuna", "sweep.name=wild", "sweep.n_trials=3", "sweep.sampler=random", *own_samples, *SHORT]
    done = run_train(*words, "optimizer.lr=0.001,1e+30", "sweep.seed=1")
    states = {trial.params["optimizer.lr"]: trial for trial in trials(tmp_path / "multirun/wild")}
    assert done.code == 1
    assert states["0.001"].state.name == "COMPLETE"
    assert states["1e+30"].state.name == "FAIL"
    assert states["1e+30"].user_attrs["reason"]
    assert "trials failed" in done.out


def test_nan_is_a_failure_with_a_reason(tmp_path):
    import optuna

    from hepad.pipeline.trials import tell

    study = optuna.create_study(study_name=NAME, storage=storage(tmp_path))
    trial = study.ask()
    tell(study, trial, None, JobOutcome("finished").reason or "val/loss is not a finite number")
    assert study.trials[0].state.name == "FAIL"
    assert study.trials[0].user_attrs == {"reason": "val/loss is not a finite number"}


def test_a_trial_that_promises_nothing_is_stopped_and_marked(run_train, own_samples, tmp_path):
    # Five trials that were good from the first epoch on; the median pruner judges after the fifth epoch.
    sweep = tmp_path / "multirun/pruned"
    sweep.mkdir(parents=True)
    section = {"direction": "minimize", "pruner": "median", "sampler": "random", "seed": 0}
    space = distributions(parse_space({"optimizer.lr": "1e-3,1e-6"}))
    study = open_study(sweep, section, "val/loss", space)
    for _ in range(5):
        good = {"value": 0.0, "intermediate_values": dict.fromkeys(range(20), 0.0)}
        study.add_trial(create_trial(params={"optimizer.lr": "0.001"}, distributions=space, **good))

    words = ["-m", "sweep=optuna", "sweep.name=pruned", "sweep.n_trials=6", "sweep.pruner=median"]
    short = ["trainer.max_epochs=20", "evaluation.plots=false", "logger=none", "callbacks.early_stopping=null"]
    done = run_train(*words, *own_samples, *short, "optimizer.lr=1e-3,1e-6")
    assert done.code == 0, done.err
    assert trials(sweep)[5].state.name == "PRUNED"
    assert json.loads((sweep / "trial-005/provenance.json").read_text())["epochs"] == 6
    assert (sweep / "trial-005/metrics.json").is_file()
    assert "stopped early by the pruner" in done.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sweep.n_trials=0"], "an integer from 1 to"),
        (["sweep.n_parallel=0"], "an integer from 1 to"),
        (["sweep.sampler=best"], "tpe, random"),
        (["sweep.pruner=all"], "median"),
        (["optimizer.lrr=1,2"], "did you mean 'lr'?"),
        (["loss=mse,mae"], "sweep.metric=val/mae"),
        (["model.beta=0.1,1", "model=vae"], "sweep.metric=val/mae"),
        (["model.normalizer=standard,log"], "not one quantity"),
        (["sweep.metric=val/nothing"], "allowed: val/loss"),
        (["sweep.metric=test/auc/signal_vs_background", "sweep.direction=maximize"], "sweep.use_signals=true"),
        (["sweep.search_space=null"], "empty"),
        (["model.latent=int(interval(9,2))"], "low"),
        (["sweep.name=a/b"], "letters, digits"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused_in_one_line(run_train, own_samples, tmp_path, words, said):
    done = run_train("-m", "sweep=optuna", *own_samples, "logger=none", *words)
    assert done.code == 2
    assert said in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "multirun").exists()


def test_a_search_without_m_is_refused(run_train, own_samples, tmp_path):
    done = run_train("sweep=optuna", *own_samples, "logger=none")
    assert done.code == 2
    assert "-m sweep=optuna" in done.err
    assert not (tmp_path / "outputs").exists()


def test_signals_choose_only_where_they_may_and_a_wrong_one_is_named(run_train, own_samples, tmp_path):
    words = [
        "-m",
        "sweep=optuna",
        "sweep.use_signals=true",
        "sweep.direction=maximize",
        "sweep.n_trials=1",
        *own_samples,
    ]
    space = ["optimizer.lr=1e-3,1e-4", *SHORT]
    done = run_train(*words, *space, "sweep.name=a", "sweep.metric=test/auc/signal_vs_background")
    assert done.code == 0, done.err
    assert "chosen by the signals" in done.out
    metrics = json.loads((tmp_path / "multirun/a/trial-000/metrics.json").read_text())
    assert trials(tmp_path / "multirun/a")[0].value == metrics["test/auc/signal_vs_background"]
    done = run_train(*words, *space, "sweep.name=b", "sweep.metric=test/auc/top_vs_background")
    assert done.code == 2
    assert "test/auc/signal_vs_background" in done.err
