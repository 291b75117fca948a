"""What a run leaves in W&B, read back from the offline record."""

import csv
import hashlib
import json

import h5py
import numpy as np
import pytest
import torch
import yaml
from PIL import Image

import hepad.run.executing
from hepad import train
from hepad.core.names import python_command
from tests.runs.conftest import call, two_samples
from tests.runs.wandb_records import entries, records, summary


@pytest.fixture(scope="module")
def record(run):
    (only,) = records(run)
    return only


@pytest.fixture(scope="module")
def found(record):
    return summary(record)


def table(record, summary, name):
    rows = json.loads((record / "files" / summary[name]["path"]).read_text())
    return [dict(zip(rows["columns"], row, strict=True)) for row in rows["data"]]


def test_what_the_config_names_reaches_the_record(record, found):
    (begun,) = entries(record, "run")
    assert (begun["project"], begun["run_group"], begun["job_type"]) == ("jets", "tuesday", "test")
    assert (begun["display_name"], begun["notes"]) == ("first", "nothing new")
    assert sorted(begun["tags"]) == ["dense", "short"]
    assert (found["state"], found["exit_code"]) == ("finished", 0)


def test_config_and_provenance_are_in_the_config(run, found):
    config = yaml.safe_load((run / "config.yaml").read_text())
    # W&B leaves out what is empty.
    assert {name: found["config"][name] for name, value in config.items() if value != {}} == {
        name: value for name, value in config.items() if value != {}
    }
    assert set(found["config"]) <= {*config, "provenance"}
    provenance = json.loads((run / "provenance.json").read_text())
    assert found["config"]["provenance"]["data"] == provenance["data"]
    assert provenance["wandb"]["id"] == found["run_id"]


def test_every_metric_is_a_plain_number_of_the_summary(run, found):
    metrics = json.loads((run / "metrics.json").read_text())
    assert any(name.startswith("test/auc/") for name in metrics)
    assert {name: found["summary"][name] for name in metrics} == pytest.approx(metrics, rel=1e-9)


def test_epochs_are_the_axis_of_the_learning_curves(run, record, found):
    axes = {entry["glob_name"]: entry["step_metric"] for entry in entries(record, "metric") if "glob_name" in entry}
    assert axes == {"train/*": "epoch", "val/*": "epoch"}
    points = [entry["item"] for entry in entries(record, "history")]
    logged = {point["epoch"]: point["val/loss"] for point in points if "val/loss" in point}
    rows = list(csv.DictReader((run / "history.csv").read_text().splitlines()))
    assert logged == pytest.approx({int(row["epoch"]): float(row["val/loss"]) for row in rows}, rel=1e-6)


def test_the_summary_has_the_curves_in_the_epoch_that_was_tested(tmp_path):
    # At this rate the last epoch is not the best.
    words = ["trainer.max_epochs=6", "optimizer.lr=0.1", "hydra.run.dir=run", "evaluation.plots=false"]
    assert call(train.main, tmp_path, *two_samples(tmp_path), *words).code == 0
    run = tmp_path / "run"
    rows = list(csv.DictReader((run / "history.csv").read_text().splitlines()))
    best = min(rows, key=lambda row: float(row["val/loss"]))
    assert best != rows[-1]
    (record,) = records(run)
    found = summary(record)["summary"]
    # Plain numbers: a rule for the summary would have made dicts of them, and runs could not be sorted.
    curves = {name: float(value) for name, value in best.items() if name != "epoch"}
    assert {"val/loss", "val/mae", "train/loss"} <= curves.keys()
    assert {name: found[name] for name in curves} == pytest.approx(curves, rel=1e-9)
    assert found["best_epoch"] == int(best["epoch"])
    weights = torch.load(run / "checkpoints/best.ckpt", weights_only=True)
    assert found["best_epoch"] == weights["epoch"]


def test_time_and_size_are_in_the_summary_and_the_config_says_nothing_that_changes(run, found):
    facts = json.loads((run / "provenance.json").read_text())
    assert found["summary"]["parameters"] == facts["parameters"] > 0
    for part in ("train", "score"):
        assert found["summary"][f"seconds/{part}"] == pytest.approx(facts["seconds"][part])
    assert facts["status"] == "finished"
    assert not {"status", "epochs", "seconds"} & found["config"]["provenance"].keys()


def test_roc_curves_are_a_table_on_a_logarithmic_grid(run, record, found):
    rows = table(record, found["summary"], "test/roc")
    fpr, tpr = (np.array([row[name] for row in rows]) for name in ("fpr", "tpr"))
    np.testing.assert_allclose(np.diff(np.log10(fpr)), np.log10(fpr[1] / fpr[0]), rtol=1e-9)
    assert fpr[-1] == tpr[-1] == 1
    with h5py.File(run / "scores.h5") as file:
        background, signal = (file[name]["score"][:] for name in ("background", "signal"))
    assert fpr[0] == pytest.approx(1 / len(background))
    # At the background efficiency of a threshold, the share of the signal beyond it.
    for cut in np.sort(background)[[10, 40, 70]]:
        expected = np.interp((background >= cut).mean(), fpr, tpr)
        assert (signal >= cut).mean() == pytest.approx(expected, abs=0.02)


def test_roc_curves_draw_in_a_panel(record, found):
    panels = {
        name.removeprefix("_wandb.visualize."): panel["panel_config"]
        for entry in entries(record, "config")
        for name, panel in entry.get("update", {}).items()
        if name.startswith("_wandb.visualize.")
    }
    assert set(panels) == {"roc/vs_background", "rate/background", "correlation/pearson", "correlation/spearman"}
    for name, panel in panels.items():
        query = panel["userQuery"]["queryFields"][0]["fields"]
        (key,) = (field["args"][0]["value"] for field in query if field["name"] == "summaryTable")
        rows = table(record, found["summary"], key)
        assert key == f"{name}_table"
        assert set(panel["fieldSettings"].values()) <= set(rows[0])
    assert panels["roc/vs_background"]["panelDefId"] == "wandb/area-under-curve/v0"
    # W&B's chart would average over signals under any other name.
    assert panels["roc/vs_background"]["fieldSettings"]["class"] == "class"
    rows = table(record, found["summary"], "roc/vs_background_table")
    assert {row["class"] for row in rows} == {"signal"}
    assert panels["rate/background"]["panelDefId"] == "wandb/area-under-curve/v0"
    assert [row["log10_fpr"] for row in rows] == pytest.approx([np.log10(row["fpr"]) for row in rows])


def test_the_rate_over_threshold_is_that_of_the_background_that_is_kept(run, record, found):
    rows = table(record, found["summary"], "rate/background_table")
    with h5py.File(run / "scores.h5") as file:
        scores = file["background"]["score"][:].astype(float)
    assert len(rows) > 20
    for row in rows:
        # LHC bunches cross at 28.61 MHz.
        assert row["rate_khz"] == pytest.approx((scores >= row["threshold"]).mean() * 28_610, rel=1e-3)
        assert row["log10_rate"] == pytest.approx(np.log10(row["rate_khz"]))
    cuts = [row["threshold"] for row in rows]
    assert cuts == sorted(cuts, reverse=True)


def test_correlation_charts_show_the_metrics(run, record, found):
    metrics = json.loads((run / "metrics.json").read_text())
    for kind in ("pearson", "spearman"):
        rows = table(record, found["summary"], f"correlation/{kind}_table")
        drawn = {f"test/{kind}/{row['feature']}": row["correlation"] for row in rows}
        assert drawn == {name: value for name, value in metrics.items() if name.startswith(f"test/{kind}/")}
    assert {row["sample"] for row in table(record, found["summary"], "test/correlations")} == {"background", "signal"}
    top = table(record, found["summary"], "test/top")
    assert [row["rank"] for row in top] == list(range(1, 21))
    assert sorted((row["score"] for row in top), reverse=True) == [row["score"] for row in top]
    assert all("σ " in row["why"] for row in top)


def test_score_histograms_hold_every_entry_and_share_their_edges(run, found):
    with h5py.File(run / "scores.h5") as file:
        sizes = {name: len(file[name]["score"]) for name in ("background", "signal")}
    histograms = {name: found["summary"][f"test/scores/{name}"] for name in sizes}
    assert {name: sum(histogram["values"]) for name, histogram in histograms.items()} == sizes
    assert histograms["background"]["bins"] == histograms["signal"]["bins"]


def test_every_plot_is_an_image_of_the_record(run, record):
    plots = {hashlib.sha256(path.read_bytes()).hexdigest() for path in (run / "plots").glob("*.png")}
    media = list((record / "files/media/images/plots").glob("*.png"))
    assert {hashlib.sha256(path.read_bytes()).hexdigest() for path in media} == plots
    for path in media:
        with Image.open(path) as image:
            image.load()
            assert min(image.size) > 200


def test_checkpoints_and_report_on_request(run, record):
    models = [entry for entry in entries(record, "artifact") if entry["type"] == "model"]
    assert [sorted(model["aliases"]) for model in models] == [["best", "latest"], ["last", "latest"]]
    assert len({model["name"] for model in models}) == 1
    metrics = json.loads((run / "metrics.json").read_text())
    config = yaml.safe_load((run / "config.yaml").read_text())
    for model, name in zip(models, ("best", "last"), strict=True):
        paths = {content["path"]: content["local_path"] for content in model["manifest"]["contents"]}
        assert paths[f"checkpoints/{name}.ckpt"] == str(run / f"checkpoints/{name}.ckpt")
        assert "config.yaml" in paths
        known = json.loads(model["metadata"])
        headline = "test/verdict/vs_background/mean_difference"
        assert known["headline"] == {headline: pytest.approx(metrics[headline])}
        assert known["auc"] == {
            "test/auc/signal_vs_background": pytest.approx(metrics["test/auc/signal_vs_background"])
        }
        assert known["config"]["model"] == config["model"]
        checkpoint = run / f"checkpoints/{name}.ckpt"
        assert known["sha256"] == hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    (page,) = (record / "files/media/html").glob("report*.html")
    assert "test/auc" in page.read_text() or "AUC" in page.read_text()


def test_a_failed_job_ends_its_wandb_run_with_exit_code_1(tmp_path, monkeypatch):
    words = ["trainer.max_epochs=1", "hydra.run.dir=run", "evaluation.plots=false", "logger.wandb.alert=failure"]

    def out_of_memory(*_):
        raise RuntimeError("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(hepad.run.executing, "run_figures", out_of_memory)
        assert call(train.main, tmp_path, *two_samples(tmp_path), *words).code == 1
    (record,) = records(tmp_path / "run")
    assert entries(record, "exit")[-1]["exit_code"] == 1
    found = summary(record)
    assert found["state"] == "failed"
    (alert,) = entries(record, "alert")
    assert (alert["title"], alert["level"]) == ("run failed", "ERROR")
    assert "out of memory" in alert["text"]
    # By default no file leaves the run's directory.
    assert not [entry for entry in entries(record, "artifact") if entry["type"] == "model"]
    # The next job in this process begins a W&B run of its own.
    again = call(train.main, tmp_path, *two_samples(tmp_path), *words, "hydra.run.dir=next")
    assert again.code == 0, again.err
    (other,) = records(tmp_path / "next")
    assert summary(other)["run_id"] != found["run_id"]
    assert summary(other)["exit_code"] == 0
    assert not entries(other, "alert")


def test_epochs_that_a_killed_process_never_wrote_are_logged_when_it_is_resumed(tmp_path, monkeypatch):
    short = ["trainer.max_epochs=2", "hydra.run.dir=run", "evaluation.plots=false"]
    assert call(train.main, tmp_path, *two_samples(tmp_path), *short).code == 0
    run = tmp_path / "run"
    # As kill -9 leaves it: no word on how it ended, and of W&B's record the header.
    facts = json.loads((run / "provenance.json").read_text())
    (run / "provenance.json").write_text(json.dumps({**facts, "status": "running"}))
    (lost,) = records(run)
    (file,) = lost.glob("run-*.wandb")
    header = file.read_bytes()[:7]
    # A new file: W&B's own process may still hold the old one, and write to it.
    file.unlink()
    file.write_bytes(header)
    done = call(train.main, tmp_path, "resume=run", "trainer.max_epochs=4")
    assert done.code == 0, done.err
    after = records(run)[-1]
    assert summary(after)["run_id"] == facts["wandb"]["id"]
    points = [entry["item"] for entry in entries(after, "history")]
    assert {point["epoch"] for point in points if "val/loss" in point} == {0, 1, 2, 3}
    # The empty record would only make the upload fail.
    monkeypatch.chdir(tmp_path)
    assert [line.split(maxsplit=1)[1] for line in done.out.splitlines() if line.startswith("upload")] == [
        f"{python_command()} -m wandb sync {after}"
    ]
