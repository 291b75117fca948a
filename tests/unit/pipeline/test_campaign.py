"""The end of a sweep or a pipeline: one notice, in an offline W&B record of the campaign's own."""

import json

import pytest
from tests.runs.wandb_records import entries, records, summary

from hepad.comparison.rows import Row
from hepad.config import RunConfig, compose
from hepad.logging.results import Results
from hepad.logging.tracker import Notice
from hepad.pipeline.campaign import announce, silenced
from hepad.pipeline.ensemble import member_config
from hepad.pipeline.folds import fold_config
from hepad.pipeline.summary import wants_notice
from hepad.pipeline.sweep_notice import announce_sweep, sweep_notice
from hepad.pipeline.sweep_table import make_table

HEADLINE = "test/verdict/vs_zero_bias/mean_difference"
ROWS = [
    Row("a", {"model.latent": "2"}, "finished", metrics={"val/loss": 0.5, HEADLINE: -0.01}, background="zero_bias"),
    Row("b", {"model.latent": "8"}, "finished", metrics={"val/loss": 0.25, HEADLINE: 0.02}, background="zero_bias"),
]
FAILED = Row("c", {"model.latent": "9"}, "failed", "JobError: diverged")


def config(tmp_path, *words):
    return RunConfig.of(compose("train", [f"paths.run={tmp_path / 'sweep/b'}", "sweep.name=sweep", *words]))


def test_the_notice_names_the_best_run_and_its_headline():
    notice = sweep_notice(make_table(ROWS, ["model.latent"], "val/loss", "minimize"), "latents")
    assert notice == Notice(
        "sweep latents is finished",
        "2 of 2 runs finished\nbest: model.latent=8\nval/loss 0.25\nAUC minus best trivial score: +0.020",
    )
    notice = sweep_notice(make_table([*ROWS, FAILED], ["model.latent"], "val/loss", "minimize"), "latents")
    assert notice.failed
    assert notice.title == "sweep latents: 1 of 3 not finished"
    assert notice.text.endswith("c failed: JobError: diverged")


def test_a_sweep_sends_one_notice_from_a_run_of_its_own(tmp_path, capsys):
    run = tmp_path / "sweep/b"
    run.mkdir(parents=True)
    words = ["logger.wandb.alert=end", "logger.wandb.log_model=best", "logger.wandb.registry=trigger"]
    (run / "config.yaml").write_text(config(tmp_path, *words).yaml())
    assert wants_notice(run)
    table = make_table(ROWS, ["model.latent"], "val/loss", "minimize")
    announce_sweep(run, tmp_path / "sweep", table, tmp_path / "sweep/sweep.html")
    (record,) = records(tmp_path / "sweep")
    (alert,) = entries(record, "alert")
    assert (alert["title"], alert["level"]) == ("sweep sweep is finished", "INFO")
    (begun,) = entries(record, "run")
    assert (begun["job_type"], begun["run_group"], begun["display_name"]) == ("sweep", "sweep", "sweep")
    found = summary(record)
    assert found["exit_code"] == 0
    assert found["summary"]["sweep/finished"] == 2
    assert found["summary"][f"sweep/best/{HEADLINE}"] == 0.02
    rows = json.loads((record / "files" / found["summary"]["sweep/runs"]["path"]).read_text())
    assert rows["data"][0][:3] == ["b", "finished", "8"]
    assert f"wandb sync {record}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("alert", "failed", "told"), [("none", True, False), ("failure", False, False), ("failure", True, True)]
)
def test_only_the_wanted_notices_are_sent(tmp_path, alert, failed, told):
    chosen = config(tmp_path, f"logger.wandb.alert={alert}")
    announce(chosen, tmp_path, "pipeline", Notice("folds", "two of three", failed), Results({"a": 1.0}))
    sent = [entry["text"] for record in records(tmp_path) for entry in entries(record, "alert")]
    assert sent == (["two of three"] if told else [])
    assert bool(records(tmp_path)) == (alert != "none")


def test_the_runs_of_a_campaign_send_none(tmp_path):
    chosen = config(tmp_path, "logger=[wandb,csv]", "logger.wandb.alert=end", "data.folds=3")
    for part in (silenced(chosen), fold_config(chosen, tmp_path, 0), member_config(chosen, tmp_path, 1)):
        assert part.loggers["wandb"]["alert"] == "none"
        assert "alert" not in part.loggers["csv"]


def test_a_tracker_that_fails_costs_a_warning(tmp_path, monkeypatch, capsys):
    def refuse(*_):
        raise OSError("no space")

    monkeypatch.setattr("hepad.pipeline.campaign.build_loggers", refuse)
    warnings = announce(config(tmp_path, "logger.wandb.alert=end"), tmp_path, "sweep", Notice("a", "b"))
    assert len(warnings) == 1
    assert "no space" in warnings[0]
    assert "the campaign itself is complete" in capsys.readouterr().err
