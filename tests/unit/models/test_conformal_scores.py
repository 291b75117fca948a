"""p-values of scores are uniform on background that did not train, for every model."""

from pathlib import Path

import pytest
from scipy import stats
from tests.every_model import PAIRS, WRITERS, build, composed

from hepad.metrics import ScoreCalibration

MODELS = dict(reversed(PAIRS)) | {model: data for model, data in PAIRS if data == "jets"}
"""Model → kind of data, jets where it takes them."""

QUICK = {"trees": ("model.members=1", "model.max_iter=5")}


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    """Write some hundred entries of each kind, once."""
    directory = tmp_path_factory.mktemp("background")
    return {data: WRITERS[data](directory / f"{data}.h5", n_events=300, seed=0) for data in set(MODELS.values())}


@pytest.mark.parametrize("model", sorted(MODELS))
def test_p_values_are_uniform_on_background_that_did_not_train(model, files):
    """Weights need not be good for it: the scores of both parts come from one distribution whatever they are."""
    data = MODELS[model]
    cfg = composed(f"model={model}", f"data={data}", "paths.run=run", *QUICK.get(model, ())).copy()
    cfg.data.bundled, cfg.data.samples, cfg.data.background = False, {"background": str(files[data])}, "background"
    built, module = build(cfg)
    built.prepare(module.train_entries.batch)
    parts = (module.val_entries, module.test_entries["background"])
    chosen, tested = (built.eval().anomaly_score(each.batch).detach().numpy() for each in parts)
    p = ScoreCalibration.of(chosen).p_values(tested)
    # Of both parts: which of them calibrates is chance.
    assert stats.ks_2samp(chosen, tested).pvalue > 0.001
    n = len(chosen) * len(tested) / (len(chosen) + len(tested))
    assert stats.kstwo.sf(stats.kstest(p, "uniform").statistic, round(n)) > 0.001
