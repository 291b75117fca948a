"""What a run was made from, in the offline W&B record: artifacts that it used, and the notice of its end."""

import base64
import hashlib
import json
import shutil

from hepad import evaluate
from hepad.logging.lineage import run_input
from tests.runs.conftest import call
from tests.runs.wandb_records import entries, records


def md5(path):
    """MD5 as W&B's manifests have it."""
    return base64.b64encode(hashlib.md5(path.read_bytes()).digest()).decode()


def artifacts(record, kind):
    return [entry for entry in entries(record, "artifact") if entry["type"] == kind]


def contents(artifact):
    return {content["path"]: content["digest"] for content in artifact["manifest"]["contents"]}


def test_the_data_sets_are_artifacts_that_the_run_used_by_reference(run):
    (record,) = records(run)
    facts = json.loads((run / "provenance.json").read_text())["data"]
    found = {artifact["name"]: artifact for artifact in artifacts(record, "dataset")}
    assert set(found) == {"data-background", "data-signal"}
    for sample, known in facts.items():
        artifact = found[f"data-{sample}"]
        # W&B logs it and then marks it as used, now or when the record is synced.
        assert artifact["use_after_commit"] is True
        assert json.loads(artifact["metadata"])["sha256"] == known["sha256"]
        file = run.parent / f"{sample}.h5"
        (content,) = artifact["manifest"]["contents"]
        assert content["ref"] == file.resolve().as_uri()
        assert content["digest"] == md5(file)
        # Nothing is uploaded.
        assert not content.get("local_path")
    assert not any(model.get("use_after_commit") for model in artifacts(record, "model"))


def test_the_end_is_told_once_with_the_headline(run):
    (record,) = records(run)
    (alert,) = entries(record, "alert")
    assert (alert["title"], alert["level"]) == ("run is finished", "INFO")
    difference = json.loads((run / "metrics.json").read_text())["test/verdict/vs_background/mean_difference"]
    assert f"{difference:+.3f}" in alert["text"]
    assert "signal vs background: AUC" in alert["text"]


def test_an_evaluation_uses_the_very_version_that_its_run_logged(run, tmp_path):
    # The shared run is only read.
    copy = tmp_path / "run"
    shutil.copytree(run, copy, ignore=lambda *_: ["wandb", "plots", "mlflow", "comet", "trackio", "csv", "tensorboard"])
    words = ["name=lineage", "evaluation.plots=false", "logger=wandb", "logger.wandb.log_data=files"]
    done = call(evaluate.main, tmp_path, f"run={copy}", *words)
    assert done.code == 0, done.err
    (trained,) = records(run)
    (record,) = records(copy / "evaluations/lineage")
    (model,) = artifacts(record, "model")
    logged = next(entry for entry in artifacts(trained, "model") if "best" in entry["aliases"])
    # The server knows a version by its name and the digests of its files.
    assert (model["name"], contents(model)) == (logged["name"], contents(logged))
    assert model["use_after_commit"] is True
    assert json.loads(model["metadata"])["role"] == "evaluated"
    assert not entries(record, "alert")
    # Asked for, the files of the data themselves are kept for the upload, under names of their own.
    for artifact in artifacts(record, "dataset"):
        sample = artifact["name"].removeprefix("data-")
        (content,) = artifact["manifest"]["contents"]
        assert content["path"] == f"{sample}.h5"
        assert content["local_path"] == str(run.parent / f"{sample}.h5")


def test_a_model_that_no_tracker_has_is_known_by_its_bytes(run, tmp_path):
    (stored,) = run_input(run, "teacher")
    assert stored.stored
    (tmp_path / "checkpoints").mkdir()
    checkpoint = tmp_path / "checkpoints/best.ckpt"
    checkpoint.write_bytes(b"weights")
    (alone,) = run_input(tmp_path, "teacher")
    sha256 = hashlib.sha256(b"weights").hexdigest()
    assert (alone.name, alone.sha256, alone.stored) == (f"model-{sha256[:16]}", sha256, False)
    checkpoint.unlink()
    assert run_input(tmp_path, "teacher") == []
