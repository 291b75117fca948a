"""CSV and TensorBoard, read back with their own readers."""

import csv
import json
import subprocess
import sys

import numpy as np
import pytest
import yaml
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


@pytest.fixture(scope="module")
def events(run):
    found = EventAccumulator(str(run / "tensorboard"), size_guidance={"images": 0, "scalars": 0})
    found.Reload()
    return found


def test_csv_has_a_row_per_epoch_and_the_metrics(run):
    rows = list(csv.DictReader((run / "csv/version_0/metrics.csv").read_text().splitlines()))
    logged = {int(row["epoch"]): float(row["val/loss"]) for row in rows if row["val/loss"]}
    history = list(csv.DictReader((run / "history.csv").read_text().splitlines()))
    assert logged == pytest.approx({int(row["epoch"]): float(row["val/loss"]) for row in history}, rel=1e-6)
    metrics = json.loads((run / "metrics.json").read_text())
    assert {name: float(rows[-1][name]) for name in metrics} == pytest.approx(metrics)
    hparams = yaml.safe_load((run / "csv/version_0/hparams.yaml").read_text())
    assert hparams["model"] == yaml.safe_load((run / "config.yaml").read_text())["model"]


def test_tensorboard_has_curves_metrics_and_histograms(run, events):
    history = list(csv.DictReader((run / "history.csv").read_text().splitlines()))
    assert [point.value for point in events.Scalars("val/loss")] == pytest.approx(
        [float(row["val/loss"]) for row in history], rel=1e-6
    )
    for name, value in json.loads((run / "metrics.json").read_text()).items():
        (point,) = events.Scalars(name)
        assert (point.step, point.value) == (len(history), pytest.approx(value, rel=1e-6))
    assert set(events.Tags()["histograms"]) == {"test/scores/background", "test/scores/signal"}


def test_tensorboard_shows_every_plot(run, events, tmp_path):
    for path in (run / "plots").glob("*.png"):
        (image,) = events.Images(f"plots/{path.stem}")
        (tmp_path / path.name).write_bytes(image.encoded_image_string)
        with Image.open(tmp_path / path.name) as shown, Image.open(path) as drawn:
            np.testing.assert_array_equal(np.asarray(shown.convert("RGB")), np.asarray(drawn.convert("RGB")))


def test_a_run_without_wandb_does_not_import_it(own_samples, tmp_path):
    words = [*own_samples, "logger=none", "trainer.max_epochs=1", "evaluation.plots=false", "hydra.run.dir=run"]
    code = f"import sys; from hepad.train import main; main({words!r}); print('wandb' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
    assert (tmp_path / "run/metrics.json").is_file()
