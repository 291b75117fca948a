"""`python -m hepad.train -m …`: one run per job, a summary, and the same command again."""

import csv
import json
import re
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from hepad import train
from tests.runs.conftest import Finished, call, two_samples
from tests.runs.wandb_records import entries, records

SHORT = ["trainer.max_epochs=2", "evaluation.plots=false"]
EIGHT = ["-m", "model=dense_ae,vae", "loss=mse,huber", "seed=1,2", *SHORT]


@pytest.fixture(scope="module")
def eight(tmp_path_factory) -> tuple[Path, list[str], Finished]:
    """A sweep of eight jobs with W&B records: its directory, its words, and what it printed."""
    directory = tmp_path_factory.mktemp("eight")
    words = [*two_samples(directory), *EIGHT]
    done = call(train.main, directory, *words)
    assert done.code == 0, done.err
    (sweep,) = (directory / "multirun").iterdir()
    return sweep, words, done


def jobs_of(sweep: Path) -> list[Path]:
    return sorted(path.parent for path in sweep.glob("*/config.yaml"))


def scores_of(run: Path) -> NDArray[np.float32]:
    with h5py.File(run / "scores.h5") as file:
        return np.concatenate([file[f"{sample}/score"][:] for sample in ("background", "signal")])


def written(jobs: list[Path]) -> dict[Path, int]:
    """When each file was written; not W&B's, whose service keeps its own log as long as the process lives."""
    files = (path for job in jobs for path in job.rglob("*") if "wandb" not in path.parts and path.is_file())
    return {path: path.stat().st_mtime_ns for path in files}


def rows_of(sweep: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((sweep / "sweep.csv").read_text().splitlines()))


def test_jobs_are_named_by_what_is_swept(eight):
    sweep, _, _ = eight
    assert re.fullmatch(r"loss-model-seed_[0-9a-f]{8}", sweep.name)
    assert [job.name for job in jobs_of(sweep)] == [
        f"loss.{loss}-model.{model}-seed.{seed}"
        for loss in ("huber", "mse")
        for model in ("dense_ae", "vae")
        for seed in (1, 2)
    ]


def test_the_table_holds_what_the_runs_hold(eight):
    sweep, _, _ = eight
    rows = rows_of(sweep)
    assert len(rows) == 8
    for row in rows:
        run = sweep / row["job"]
        history = list(csv.DictReader((run / "history.csv").read_text().splitlines()))
        best = min(history, key=lambda epoch: float(epoch["val/loss"]))
        assert (row["status"], row["epochs"], row["best_epoch"]) == ("finished", "2", best["epoch"])
        assert float(row["val/loss"]) == float(best["val/loss"])
        assert float(row["val/mae"]) == float(best["val/mae"])
        metrics = json.loads((run / "metrics.json").read_text())
        area = "test/auc/signal_vs_background"
        assert [float(row[f"{area}{end}"]) for end in ("", "/low", "/high")] == [
            metrics[f"{area}{end}"] for end in ("", "/low", "/high")
        ]
        assert row["job"] == f"loss.{row['loss']}-model.{row['model']}-seed.{row['seed']}"
    # Their losses differ, so nothing orders them.
    assert [row["job"] for row in rows] == list(json.loads((sweep / "sweep.json").read_text())["jobs"])


def test_where_the_losses_differ_no_run_is_the_best(eight):
    _, _, done = eight
    assert "8 runs, in the order of the command; AUC with" in done.out
    assert "The runs differ in model, loss: no loss is one quantity for all of them" in done.out
    assert not any(line.startswith("best ") for line in done.out.splitlines())
    assert "best trivial score" in done.out


def test_the_page_links_to_every_report_and_shows_the_mean_over_seeds(eight):
    sweep, _, _ = eight
    page = (sweep / "sweep.html").read_text()
    links = re.findall(r'<a href="([^"#]+)">report</a>', page)
    assert sorted(links) == [f"{job.name}/report.html" for job in jobs_of(sweep)]
    assert all((sweep / link).is_file() for link in links)
    assert "over the seeds" in page
    # Settings against results, and the ROC curves for the one signal.
    assert page.count("data:image/png") == 2
    assert "ROC of the runs trained on background: signal against it." in page


def test_every_job_is_one_finished_run_of_the_sweep_s_group_in_wandb(eight):
    sweep, _, _ = eight
    names = set()
    for job in jobs_of(sweep):
        (record,) = records(job)
        (run,) = entries(record, "run")
        assert (run["run_group"], run["display_name"]) == (sweep.name, job.name)
        names.add(run["display_name"])
        assert [end["exit_code"] for end in entries(record, "exit")] == [0]
    assert len(names) == 8


def test_the_same_command_again_skips_what_is_finished_and_goes_on_with_what_is_broken(eight):
    sweep, words, _ = eight
    broken, gone, *others = jobs_of(sweep)
    # As a kill -9 leaves it: the last checkpoint is there, nothing was evaluated.
    facts = json.loads((broken / "provenance.json").read_text())
    scores = scores_of(broken)
    (broken / "provenance.json").write_text(json.dumps(facts | {"status": "running"}))
    (broken / "scores.h5").unlink()
    gone.rename(sweep.parent / "gone")
    before = written(others)
    reordered = [words[0], *reversed(words[1:])]
    done = call(train.main, sweep.parents[1], *reordered)
    assert done.code == 0, done.err
    assert "6 of 8 jobs are finished already" in done.out
    assert f"{broken.name}: goes on" in done.out
    assert f"{gone.name}: starts" in done.out
    assert written(others) == before
    np.testing.assert_array_equal(scores_of(broken), scores)
    np.testing.assert_array_equal(scores_of(gone), scores_of(sweep.parent / "gone"))
    assert [row["status"] for row in rows_of(sweep)] == ["finished"] * 8


def test_a_job_that_fails_takes_no_other_down_and_its_reason_is_in_the_table(run_train, own_samples, tmp_path):
    words = ["-m", *own_samples, *SHORT, "logger=none", "sweep.name=some", "optimizer.lr=0.001,1e+30"]
    words += ["data.min_pt=0.0,1e6"]
    done = run_train(*words)
    assert done.code == 1
    rows = {(row["optimizer.lr"], row["data.min_pt"]): row for row in rows_of(tmp_path / "multirun/some")}
    wanted = {("0.001", "0.0"): "finished", ("1e+30", "0.0"): "failed", ("0.001", "1000000.0"): "refused"}
    assert {key: rows[key]["status"] for key in wanted} == wanted
    assert "no jets with pT" in rows["0.001", "1000000.0"]["reason"]
    failed = rows["1e+30", "0.0"]["reason"]
    assert failed
    page = (tmp_path / "multirun/some/sweep.html").read_text()
    assert "no jets with pT" in page
    assert f": {failed}" in done.out
    # Refused ones alone are the user's fault.
    done = run_train("-m", *own_samples, *SHORT, "logger=none", "sweep.name=other", "data.min_pt=0.0,1e6")
    assert done.code == 2


@pytest.mark.thorough
def test_a_finished_run_of_another_config_is_not_taken_for_this_one(run_train, own_samples, tmp_path):
    words = ["-m", *own_samples, *SHORT, "logger=none", "sweep.name=mine", "seed=1,2"]
    assert run_train(*words).code == 0
    before = {path: path.read_bytes() for path in (tmp_path / "multirun/mine").rglob("*") if path.is_file()}
    done = run_train(*words[:-1], "seed=1,2,3", "optimizer.lr=0.5")
    assert done.code == 2
    assert "there is a run of another config (optimizer.lr: 0.001 → 0.5)" in done.out
    assert {path: path.read_bytes() for path in before if path.parent.name != "mine"} == {
        path: content for path, content in before.items() if path.parent.name != "mine"
    }
    rows = {row["seed"]: row["status"] for row in rows_of(tmp_path / "multirun/mine")}
    assert rows == {"1": "refused", "2": "refused", "3": "finished"}


@pytest.mark.parametrize("launcher", ["basic", "processes"])
def test_a_sweep_without_any_job_that_can_run_leaves_nothing(run_train, own_samples, tmp_path, launcher):
    words = ["-m", "seed=1,2", "data.min_pt=1e6", f"hydra/launcher={launcher}", *own_samples, *SHORT]
    done = run_train(*words)
    assert done.code == 2
    last = done.err.splitlines()[-1]
    assert last.startswith("error: no job of the sweep could run, nothing was written (")
    assert "no jets with pT > 1e+06 GeV" in last
    assert not (tmp_path / "multirun").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sweep.name=../x"], "letters, digits"),
        (["seed=1,2", "optimizer.lrr=1"], "did you mean 'lr'?"),
        (["model=dense_ae,vaee"], "did you mean 'vae'?"),
        (["optimizer.lr=interval(1e-4,1e-2)"], "sweep=optuna"),
        (["sweep.metric=val/nothing"], "allowed: val/loss"),
        (["sweep.metric=test/auc/signal_vs_background"], "sweep.use_signals=true"),
        (["sweep.direction=down"], "minimize, maximize"),
        (["sweep.job=a,b"], "cannot be swept"),
        (["hydra/launcher=processes", "hydra.launcher.n_jobs=0"], "an integer from 1 to"),
        (["hydra/launcher=nothing"], "slurm"),
        (["data.batch_size=many", "seed=1,2"], "an integer"),
        (["model.dropout=0.1,7"], "model.dropout=7: a number between 0 and 1"),
        (["data.samples.x=background.h5,nothing.h5"], "data.samples.x: no file nothing.h5"),
        (["seed=abc"], "an integer"),
    ],
)
def test_a_sweep_that_cannot_be_made_is_refused_before_anything_is_written(
    run_train, own_samples, tmp_path, words, said
):
    done = run_train("-m", *own_samples, "logger=none", *words)
    assert done.code == 2
    assert said in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "multirun").exists()
