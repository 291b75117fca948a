"""A run with the background alone: it is trained, scored and reported, and says that nothing could be compared."""

import json

import pytest

from hepad import evaluate
from tests.runs.conftest import call

WORDS = ["data.samples.signal=null", "trainer.max_epochs=1", "hydra.run.dir=run"]
# Every kind of figure is drawn, for three columns in place of seventeen.
FEW = "data.features=[pt,eta,mass]"


@pytest.mark.parametrize(
    "words",
    [
        ["logger=wandb"],
        ["model=gan", "data=jets", "logger=none"],
        ["model=vae", "inference=latent_search", "data.limit=200", "logger=none"],
        ["model=distilled", "logger=none"],
    ],
    ids=lambda words: words[0],
)
def test_a_run_without_a_signal_finishes_and_says_so(run_train, own_samples, tmp_path, words):
    done = run_train(*own_samples, *WORDS, FEW, *words)
    assert done.code == 0, done.err
    assert "there is no signal to compare with" in done.out
    assert "AUC of" not in done.out
    assert json.loads((tmp_path / "run/provenance.json").read_text())["status"] == "finished"
    assert not any(name.startswith("test/auc/") for name in json.loads((tmp_path / "run/metrics.json").read_text()))
    page = (tmp_path / "run/report.html").read_text()
    assert "No signal to compare with: background, the background, is the only sample." in page
    assert "Area under the ROC curve" not in page


def test_it_can_be_evaluated_again(run_train, own_samples, tmp_path):
    quick = ["logger=none", "evaluation.plots=false"]
    assert run_train(*own_samples, *WORDS, *quick).code == 0
    done = call(evaluate.main, tmp_path, "run=run", "name=alone")
    assert done.code == 0, done.err
    assert "there is no signal to compare with" in done.out
    # With a signal there is something to compare.
    done = call(evaluate.main, tmp_path, "run=run", "name=both", f"data.samples.signal={tmp_path / 'signal.h5'}")
    assert done.code == 0, done.err
    assert "AUC with its 68% interval" in done.out
