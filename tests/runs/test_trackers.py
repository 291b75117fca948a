"""MLflow, Comet and trackio, read back from what they wrote: the same names as metrics.json and W&B."""

import csv
import json
import sqlite3
import zipfile

import pytest
import yaml

from hepad import train
from tests.runs.conftest import call, two_samples

TABLES = {
    "test/roc",
    "test/correlations",
    "test/top",
    "roc/vs_background_table",
    "rate/background_table",
    "correlation/pearson_table",
    "correlation/spearman_table",
}


@pytest.fixture(scope="module")
def metrics(run):
    return json.loads((run / "metrics.json").read_text())


@pytest.fixture(scope="module")
def losses(run):
    return [float(row["val/loss"]) for row in csv.DictReader((run / "history.csv").read_text().splitlines())]


def test_mlflow(run, metrics, losses):
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{run.parent / 'mlflow/mlflow.db'}")
    found = client.get_run((run / "mlflow/run_id").read_text().strip())
    assert (found.info.status, found.info.run_name) == ("FINISHED", "run")
    assert {name: found.data.metrics[name] for name in metrics} == pytest.approx(metrics)
    assert [point.value for point in client.get_metric_history(found.info.run_id, "val/loss")] == pytest.approx(losses)
    assert found.data.metrics["parameters"] == json.loads((run / "provenance.json").read_text())["parameters"]
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert found.data.params["model.latent"] == str(config["model"]["latent"])
    assert found.data.params["provenance.background"] == "background"
    assert {found.data.tags[name] for name in ("job_type", "dense")} == {"train", "true"}
    inputs = {item.dataset.name: item.dataset for item in found.inputs.dataset_inputs}
    facts = json.loads((run / "provenance.json").read_text())["data"]
    assert {name: item.digest for name, item in inputs.items()} == {
        f"data-{name}": known["sha256"][:36] for name, known in facts.items()
    }
    kept = run.parent / "mlflow/artifacts" / found.info.run_id / "artifacts"
    assert {str(path.relative_to(kept / "tables"))[:-4] for path in (kept / "tables").rglob("*.csv")} == TABLES
    with (kept / "tables/test/top.csv").open() as file:
        assert [row["rank"] for row in csv.DictReader(file)] == [str(rank) for rank in range(1, 21)]
    for path in [*(run / "plots").glob("*.png"), run / "report.html"]:
        inside = f"plots/{path.name}" if path.suffix == ".png" else path.name
        assert (kept / inside).read_bytes() == path.read_bytes()
    assert (kept / "model/checkpoints/best.ckpt").read_bytes() == (run / "checkpoints/best.ckpt").read_bytes()


def test_comet(run, finished, metrics, losses):
    (archive,) = (run / "comet").glob("*.zip")
    assert f"comet upload {archive}" in finished[1].out
    with zipfile.ZipFile(archive) as file:
        found = [json.loads(line) for line in file.read("messages.json").splitlines()]
        names = set(file.namelist())
    logged = [entry["payload"]["metric"] for entry in found if entry["type"] == "metric_msg"]
    numbers = {entry["metricName"]: float(entry["metricValue"]) for entry in logged}
    assert {name: numbers[name] for name in metrics} == pytest.approx(metrics)
    curve = [float(entry["metricValue"]) for entry in logged if entry["metricName"] == "val/loss"]
    assert curve == pytest.approx(losses)
    # A list is of another kind of message.
    given = [entry["payload"].get("param") for entry in found if entry["type"] == "parameter_msg"]
    params = {param["paramName"]: param["paramValue"] for param in given if param is not None}
    assert params["data.background"] == "background"
    uploads = [entry["payload"] for entry in found if entry["type"] == "file_upload"]
    files = {
        upload["additional_params"].get("fileName", upload["additional_params"].get("figName")) for upload in uploads
    }
    assert {upload["file_path"] for upload in uploads} <= names
    assert {f"{name}.csv" for name in TABLES} | {"report.html", "best.ckpt"} <= files
    assert {f"plots/{path.stem}" for path in (run / "plots").glob("*.png")} <= files
    assert {"roc/vs_background/signal", "test/scores/signal"} <= files
    others = {entry["payload"]["key"]: entry["payload"]["value"] for entry in found if entry["type"] == "log_other"}
    facts = json.loads((run / "provenance.json").read_text())["data"]
    assert others["dataset/data-signal"] == facts["signal"]["sha256"]


def test_trackio(run, metrics, losses):
    database = sqlite3.connect(run.parent / "trackio/hepad.db")
    rows = [json.loads(text) for (text,) in database.execute("SELECT metrics FROM metrics ORDER BY id")]
    (config,) = (json.loads(text) for (text,) in database.execute("SELECT config FROM configs"))
    database.close()
    logged = {name: value for row in rows for name, value in row.items()}
    assert {name: logged[name] for name in metrics} == pytest.approx(metrics)
    assert [row["val/loss"] for row in rows if "val/loss" in row] == pytest.approx(losses)
    assert config["model"]["latent"] == yaml.safe_load((run / "config.yaml").read_text())["model"]["latent"]
    facts = json.loads((run / "provenance.json").read_text())["data"]
    assert config["inputs"] == {f"data-{name}": known["sha256"] for name, known in facts.items()}
    kinds = {name: value["_type"] for name, value in logged.items() if isinstance(value, dict)}
    assert {name for name, kind in kinds.items() if kind == "trackio.table"} == TABLES
    assert {name for name, kind in kinds.items() if kind == "trackio.image"} == {
        f"plots/{path.stem}" for path in (run / "plots").glob("*.png")
    }
    assert kinds["report"] == "trackio.html"
    assert sum(logged["test/scores/signal"]["values"]) == pytest.approx(facts["signal"]["tested"])
    assert logged["exit_code"] == 0


@pytest.mark.parametrize(
    ("logger", "package"), [("mlflow", "mlflow"), ("comet", "comet_ml"), ("trackio", "trackio"), ("tensorboard",) * 2]
)
def test_without_its_package_one_line_says_how_to_get_it(tmp_path, monkeypatch, logger, package):
    monkeypatch.setattr("hepad.logging.extras.find_spec", lambda name: None if name == package else object())
    (tmp_path / "mine").touch()
    done = call(train.main, tmp_path, f"logger={logger}", "hydra.run.dir=run")
    assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert f'logger={logger} needs {package}: pip install "hepad[{logger}]"' in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.thorough
def test_a_resumed_run_goes_on_in_the_same_place(tmp_path):
    from mlflow.tracking import MlflowClient

    words = ["logger=[mlflow,comet]", "trainer.max_epochs=1", "evaluation.plots=false", "hydra.run.dir=run"]
    assert call(train.main, tmp_path, *two_samples(tmp_path), *words).code == 0
    done = call(train.main, tmp_path, "resume=run", "trainer.max_epochs=3")
    assert done.code == 0, done.err
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow/mlflow.db'}")
    (only,) = client.search_runs([client.get_experiment_by_name("hepad").experiment_id])
    points = client.get_metric_history(only.info.run_id, "val/loss")
    rows = list(csv.DictReader((tmp_path / "run/history.csv").read_text().splitlines()))
    assert [point.value for point in points] == pytest.approx([float(row["val/loss"]) for row in rows])
    # MLflow never changes a parameter: the first command's stays.
    assert only.data.params["trainer.max_epochs"] == "1"
    first, second = sorted((tmp_path / "run/comet").glob("*.zip"))
    assert first.name[:32] == second.name[:32]


@pytest.mark.thorough
def test_a_database_that_fails_while_a_run_trains_costs_warnings(tmp_path, monkeypatch):
    from lightning.pytorch.loggers import MLFlowLogger

    def locked(*_):
        raise sqlite3.OperationalError("database is locked")

    words = ["logger=mlflow", "trainer.max_epochs=2", "evaluation.plots=false", "hydra.run.dir=run"]
    monkeypatch.setattr(MLFlowLogger, "log_metrics", locked)
    done = call(train.main, tmp_path, *two_samples(tmp_path), *words)
    assert done.code == 0, done.err
    assert done.err.count("MLflow did not take numbers") == 1
    assert done.err.count("logging failed") == 1
    assert json.loads((tmp_path / "run/provenance.json").read_text())["status"] == "finished"
