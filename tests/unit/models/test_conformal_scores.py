"""p-values of scores are uniform on background that did not train, whatever the model is."""

from pathlib import Path

import pytest
from scipy import stats
from tests.conftest import write_jet_file
from tests.every_model import build

from hepad.config import compose
from hepad.metrics import ScoreCalibration


@pytest.fixture(scope="module")
def jets(tmp_path_factory) -> Path:
    """Write some 4,000 jets."""
    return write_jet_file(tmp_path_factory.mktemp("jets") / "background.h5", n_events=1300, seed=4)


@pytest.mark.parametrize("model", ["isolation_forest", "vae"])
def test_p_values_are_uniform_on_background_that_did_not_train(model, jets):
    cfg = compose("train", [f"model={model}", "data=jets", "paths.run=run"])
    cfg.data.bundled, cfg.data.samples, cfg.data.background = False, {"background": str(jets)}, "background"
    built, data = build(cfg)
    built.prepare(data.train_entries.batch)
    parts = (data.val_entries, data.test_entries["background"])
    chosen, tested = (built.eval().anomaly_score(each.batch).detach().numpy() for each in parts)
    p = ScoreCalibration.of(chosen).p_values(tested)
    assert stats.kstest(p, "uniform").pvalue > 0.01
