"""The signal of R-ANODE: found where it is, with the fraction that it has, and by entries that no fold is tested on."""

import numpy as np
import pytest
import torch
from scipy.stats import norm
from tests.searching import QUICK, injected_words, no_training, search_config

from hepad.core.errors import UserError
from hepad.data.split import fold_numbers
from hepad.searches import r_anode
from hepad.searches.methods import stages_of
from hepad.searches.preparing import prepare_samples
from hepad.searches.reading import SampleReader
from hepad.searches.runs import run_of_words
from hepad.searches.sample_tables import read_arrays, write_table
from hepad.searches.scoring import MethodScores
from hepad.searches.settings import read_settings
from hepad.searches.signal_model import FittedSignal, Mixture, check_signal_words, fit_signal, log_mass_density
from hepad.searches.stages import Place, Stages

WORDS = (
    *("model=flow", "model.kind=realnvp", "model.transforms=2", "model.hidden=[16]"),
    *("data.batch_size=256", "trainer.max_epochs=10", "optimizer.lr=5e-3"),
)


def mixture(n: int, n_signal: int, seed: int) -> Mixture:
    """Return background that is normal in x and flat in m, and a signal at x = 3 in the middle."""
    rng = np.random.default_rng(seed)
    background = np.column_stack([rng.normal(size=n), rng.uniform(0, 1, n)])
    signal = np.column_stack([rng.normal(3, 0.2, n_signal), rng.normal(0.5, 0.05, n_signal)])
    x = rng.permutation(np.concatenate([background, signal])).astype(np.float32)
    return Mixture(x, norm.logpdf(x[:, 0].astype(np.float64)))


def test_a_signal_is_found_with_its_fraction_and_drawn_from():
    config = run_of_words(WORDS, "words")
    state = torch.get_rng_state()
    found = fit_signal(config, mixture(1800, 200, 1), mixture(900, 100, 2), (), 3)
    assert torch.equal(torch.get_rng_state(), state)
    assert 0.05 < found.fraction < 0.2
    x, _ = np.median(r_anode.draw_signal(found.model, 0.0, 1.0, 1), axis=0)
    assert x == pytest.approx(3, abs=0.4)
    inside, outside = r_anode.log_signal(found.model, np.array([[3, 0.5], [0, 0.5]], dtype=np.float32))
    assert inside - outside > 3


def test_of_several_fractions_the_likeliest_is_taken_and_none_is_learned():
    config = run_of_words((*WORDS, "trainer.max_epochs=4"), "words")
    # One that is too large costs little: the density of the signal takes background as well.
    found = fit_signal(config, mixture(1800, 200, 1), mixture(900, 100, 2), (1e-4, 0.1), 3)
    again = fit_signal(config, mixture(1800, 200, 1), mixture(900, 100, 2), (0.1,), 3)
    assert found.fraction == pytest.approx(0.1)
    assert found.loss == again.loss


def test_the_density_of_the_mass_is_one_in_the_window():
    mass = np.random.default_rng(0).exponential(1.0, 3000)
    at = np.linspace(1, 3, 10_001)[:-1]
    assert np.exp(log_mass_density(mass, 1.0, 3.0, at)).mean() * 2 == pytest.approx(1, abs=1e-3)


def test_a_signal_that_is_no_density_is_refused():
    with pytest.raises(UserError, match=r"methods\.mine\.classifier: .* choose model=flow"):
        check_signal_words(run_of_words(("model=classifier",), "words"), "methods.mine.classifier")


def test_each_entry_of_the_window_is_scored_once_by_a_signal_that_has_not_seen_it(tmp_path, monkeypatch):
    words = [f"methods.r_anode.density=[{','.join(WORDS)}]", f"methods.r_anode.classifier=[{','.join(WORDS)}]"]
    cfg = search_config("method=r_anode", *injected_words(tmp_path), *QUICK[:4], *words, "null_twin=none")
    samples = prepare_samples(read_settings(cfg), SampleReader(cfg))
    planned = Stages(tmp_path, read_settings(cfg), samples, no_training)
    stages = stages_of(Place(planned, samples.windows[0], "data", "samples"), planned.settings.methods[0])
    seen = []

    def fit(config, train, validation, fractions, seed):
        assert not {*map(bytes, train.x)} & {*map(bytes, validation.x)}
        seen.append({*map(bytes, train.x)} | {*map(bytes, validation.x)})
        return FittedSignal(None, 0.1 * len(seen), 0.0)

    monkeypatch.setattr(r_anode, "fit_signal", fit)
    monkeypatch.setattr(r_anode, "load_run", lambda directory: type("Run", (), {"model": None}))
    monkeypatch.setattr(r_anode, "log_density", lambda model, table: np.zeros(len(table)))
    monkeypatch.setattr(r_anode, "log_signal", lambda model, table: np.full(len(table), float(len(seen))))
    monkeypatch.setattr(r_anode, "draw_signal", lambda *_: samples.data[:5])
    (tmp_path / "stages").mkdir()
    write_table(stages.templates[0][1], samples.data[:50], (*samples.features, "m_jj"), "key")
    for name, _ in [*stages.signals, stages.scores]:
        planned.found[name].work()
    inside = np.flatnonzero((samples.data[:, -1] >= 3300) & (samples.data[:, -1] < 3700))
    data = MethodScores.read(stages.scores[1]).samples["data"]
    assert sorted(data.row) == inside.tolist()
    for fold, rows in enumerate(seen):
        own = {*map(bytes, samples.data[inside[fold_numbers(len(samples.data), 2)[inside] == fold]])}
        assert rows.isdisjoint(own)
        assert len(rows) + len(own) == len(inside)
    assert r_anode.signal_found(stages, None).fraction == pytest.approx(0.15)
    assert not r_anode.signal_found(stages, None).truth
    assert {len(v) for v in r_anode.signal_found(stages, samples.truth).truth.values()} == {samples.truth[inside].sum()}
    assert read_arrays(stages.signals[0][1], ["fraction"])["fraction"] == pytest.approx(0.1)
