"""Stages of methods: weights by the observable, disjoint parts, templates of any size, densities with their Jacobian.

Each is a test of a mistake that a public implementation of these methods makes (docs/searches.md).
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp
from tests.searching import QUICK, TREES, injected_words, no_training, search_config

from hepad.config import RunConfig
from hepad.core.batch import Batch
from hepad.core.errors import UserError
from hepad.data.split import fold_numbers
from hepad.models import Flow
from hepad.run.building import build_data
from hepad.searches.methods import stages_of, strip_weights
from hepad.searches.planning import Planner, plan_search
from hepad.searches.preparing import prepare_samples
from hepad.searches.reading import SampleReader
from hepad.searches.settings import read_settings
from hepad.searches.stages import Place, Stages
from hepad.searches.template import log_density, make_template, sample_given

CWOLA = f"methods.cwola.classifier={TREES}"


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Place:
    """The first window of a small study, whose samples are written."""
    directory = tmp_path_factory.mktemp("search")
    more = [CWOLA, f"methods.lacathode.classifier={TREES}"]
    cfg = search_config("method=cathode,cwola,lacathode", *injected_words(directory), *QUICK, *more)
    settings = read_settings(cfg)
    samples = prepare_samples(settings, SampleReader(cfg))
    stages = Stages(directory, settings, samples, no_training)
    samples.write(directory / f"samples-{samples.key}")
    return Place(stages, samples.windows[0], "data", "samples")


def runs_of(place: Place, method: str, part: str = "fold") -> list[RunConfig]:
    """Return the configs of the folds of a method, or of its densities."""
    chosen = next(each for each in place.settings.methods if each.name == method)
    found = Stages(place.stages.directory, place.settings, place.samples, place.stages.train)
    stages_of(Place(found, place.window, "data", "samples"), chosen)
    return [stage.config for name, stage in found.found.items() if stage.config is not None and part in name]


def test_the_strips_of_cwola_weigh_a_half_each_by_the_mass_of_their_entries(place):
    for config in runs_of(place, "cwola"):
        data = build_data(config)
        mass = falling_mass(place)
        totals = {"low": 0.0, "high": 0.0}
        for part in data.role_entries:
            if part.role.region == "window":
                assert part.train.batch.weight is None or bool((part.train.batch.weight == 1).all())
                continue
            inside = mass[part.train.index]
            below = inside < place.window.low
            assert below.all() or (inside >= place.window.high).all()
            totals[part.role.region] += float(
                part.train.batch.weight.double().sum() + part.val.batch.weight.double().sum()
            )
        assert totals["low"] == pytest.approx(totals["high"], rel=0.1)


def falling_mass(place: Place) -> np.ndarray:
    return place.table[:, -1]


def test_the_weights_of_strips_do_not_depend_on_the_features(place):
    weights = strip_weights(place, 0.5)
    mass = falling_mass(place)
    low, high = ((start <= mass) & (mass < stop) for start, stop in ((3100, 3300), (3700, 3900)))
    assert weights["low"] * low.sum() == pytest.approx(weights["high"] * high.sum())
    assert weights["low"] * low.sum() + weights["high"] * high.sum() == pytest.approx(low.sum() + high.sum())


@pytest.mark.parametrize("method", ["cwola"])
def test_no_entry_trains_validates_or_is_tested_twice(place, method):
    tested = []
    for config in runs_of(place, method):
        data = build_data(config)
        train, val = ([*data.train_entries.index], [*data.val_entries.index])
        test = [*data.test_entries["data"].index]
        assert len({*train, *val, *test}) == len(train) + len(val) + len(test)
        tested += test
    assert sorted(tested) == list(range(len(place.table)))
    np.testing.assert_array_equal(np.bincount(fold_numbers(len(place.table), 2)), [1560, 1560])


def test_the_density_of_a_fold_has_seen_nothing_that_the_fold_tests(place):
    number = fold_numbers(len(place.table), 2)
    configs = runs_of(place, "cathode", "density")
    assert len(configs) == 2
    for fold, config in enumerate(configs):
        data = build_data(config)
        seen = np.concatenate([data.train_entries.index, data.val_entries.index])
        mass = falling_mass(place)[seen]
        assert ((mass < 3300) | (mass >= 3700)).all()
        assert (number[seen] != fold).all()


def test_a_fold_of_lacathode_reads_the_latent_points_of_its_own_density(place):
    for fold, config in enumerate(runs_of(place, "lacathode", "lacathode-fold")):
        assert config.data.plain()["samples"]["data"].rpartition("/")[2].startswith(f"w0-latent{fold}-")


def test_the_time_of_a_method_is_that_of_what_its_scores_need(place):
    planner = Planner(RunConfig.of({}), place.settings, place.samples, place.stages.directory, no_training)
    planner.pipeline()
    found = {
        name: {stage.rpartition("-")[0] for stage in planner.needed(end)} for (name, _), end in planner.ends.items()
    }
    assert found["cwola"] == {"w0-cwola-fold0", "w0-cwola-fold1", "w0-cwola-scores"}
    assert {"w0-density0", "w0-density1", "w0-template1", "w0-cathode-fold1"} < found["cathode"]


def a_flow(scale: float, seed: int) -> Flow:
    """Return an untrained flow of one column given the mass, whose coordinates are fitted to entries of some size."""
    torch.manual_seed(seed)
    model = Flow((1,), context_size=1, kind="maf", transforms=2, hidden=[8], coordinates="standard")
    model.prepare(Batch(scale * torch.randn(500, 1) + scale, context=torch.linspace(3000, 4000, 500)[:, None]))
    return model


@pytest.mark.parametrize("scale", [0.01, 1.0, 300.0])
def test_a_density_has_the_jacobian_of_its_own_coordinates_so_that_its_integral_is_one(scale):
    grid = np.linspace(-60 * scale, 60 * scale, 60_001)
    table = np.stack([grid, np.full_like(grid, 3500.0)], axis=1).astype(np.float32)
    density = np.exp(log_density(a_flow(scale, 1), table))
    assert np.trapezoid(density, grid) == pytest.approx(1, abs=0.02)


def test_the_ratio_of_two_densities_is_that_of_their_integrals_over_a_bin():
    inner, outer = a_flow(1.0, 1), a_flow(5.0, 2)
    grid = np.linspace(0.9, 1.1, 2001)
    table = np.stack([grid, np.full_like(grid, 3500.0)], axis=1).astype(np.float32)
    ratio = log_density(inner, table) - log_density(outer, table)
    drawn = [
        torch.cat([model.sample(torch.full((50_000, 1), 3500.0), torch.Generator().manual_seed(3)).x]).numpy()[:, 0]
        for model in (inner, outer)
    ]
    inside = [float(np.mean((x > 0.9) & (x < 1.1))) for x in drawn]
    assert np.exp(ratio).mean() == pytest.approx(inside[0] / inside[1], rel=0.15)


@pytest.mark.parametrize("n", [1, 255, 8192, 8193])
def test_a_density_draws_any_number_of_entries_each_once(n):
    mass = np.linspace(3300, 3700, n)
    made = sample_given(a_flow(1.0, 1), mass, seed=5)
    assert made.shape == (n, 1)
    # Two of them may be the same number in single precision.
    assert len(np.unique(made)) > 0.999 * n - 1
    np.testing.assert_array_equal(made, sample_given(a_flow(1.0, 1), mass, seed=5))


def test_a_template_has_as_many_entries_as_were_asked_for_all_in_the_window(place, monkeypatch):
    class Run:
        model = Flow((3,), context_size=1, kind="maf", transforms=1, hidden=[8], coordinates="standard")

    Run.model.prepare(Batch(torch.randn(100, 3), context=torch.linspace(3000, 4000, 100)[:, None]))
    monkeypatch.setattr("hepad.searches.template.load_run", lambda directory: Run)
    table = make_template(Path("nowhere"), place.table, place.window, 3, seed=1)
    mass = falling_mass(place)
    assert len(table) == 3 * ((mass >= 3300) & (mass < 3700)).sum()
    assert ((table[:, -1] >= np.float32(3300)) & (table[:, -1] < np.float32(3700))).all()
    assert ks_2samp(table[:, -1], mass[(mass >= 3300) & (mass < 3700)]).pvalue > 0.01


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["folds=50"], "too few for folds=50"),
        (
            ["words=[data.batch_size=4096]", "methods.cwola.classifier=[model=classifier]"],
            "folds are smaller than a batch",
        ),
        (["methods.cwola.classifier=[model=nothing]"], "methods.cwola.classifier: model=nothing does not exist"),
        (["methods.cwola.classifier=[trainer.max_epochs=0]"], "methods.cwola.classifier: trainer.max_epochs=0"),
        (["methods.cwola.classifier=[seed=3]"], "seed=3 is for the search to say"),
        (["methods.cwola.classifier=[model=classifier,ensemble=3]"], "ensemble=3 is for the search to say"),
        (["methods.cwola.classifier=[model=dense_ae]"], "learns no labels; model=classifier or model=trees does"),
    ],
)
def test_words_of_runs_that_cannot_be_are_refused_before_anything_is_written(tmp_path, words, said):
    cfg = search_config("method=cwola", *injected_words(tmp_path), "logger=none", *words)
    before = set(tmp_path.rglob("*"))
    with pytest.raises(UserError, match=said):
        plan_search(cfg, tmp_path / "search", no_training)
    assert set(tmp_path.rglob("*")) == before


def test_the_null_twin_is_the_same_search_of_other_data(place):
    stages = plan_stages(place)
    data = {name.rpartition("-")[0] for name in stages if not name.startswith("null-")} - {"record", "samples", ""}
    null = {name.removeprefix("null-").rpartition("-")[0] for name in stages if name.startswith("null-")}
    assert data == null


def plan_stages(place: Place) -> list[str]:
    cfg = search_config("method=cathode,cwola", *injected_words(place.stages.directory), *QUICK, CWOLA)
    plan = plan_search(cfg, place.stages.directory / "plan", no_training)
    return [stage.name for stage in plan.stages]


def test_methods_share_a_density_and_a_template_where_their_words_are_the_same(tmp_path):
    cfg = search_config("method=cathode,trees", *injected_words(tmp_path), "logger=none", "null_twin=none")
    plan = plan_search(cfg, tmp_path / "search", no_training)
    names = [stage.name for stage in plan.stages]
    assert sum("density" in name for name in names) == sum("template" in name for name in names) == 5
    other = cfg.changed({"methods.trees.density": ["model=flow", "model.kind=nsf"]})
    more = [stage.name for stage in plan_search(other, tmp_path / "search", no_training).stages]
    assert sum("density" in name for name in more) == 10
    # What does not depend on it is called as before, and so is done once.
    assert {name for name in names if "cathode" in name} <= set(more)


def test_names_of_stages_do_not_depend_on_where_the_search_lies(tmp_path):
    (tmp_path / "b").mkdir()
    cfg = search_config("method=cathode", *injected_words(tmp_path), *QUICK)
    plans = [plan_search(cfg, place, no_training) for place in (tmp_path / "a", tmp_path / "b/c")]
    assert [stage.name for stage in plans[0].stages] == [stage.name for stage in plans[1].stages]


def test_what_does_not_train_on_the_data_is_trained_once_for_the_null_twin_too(tmp_path):
    cfg = search_config(
        "method=supervised", *injected_words(tmp_path), "logger=none", f"methods.supervised.classifier={TREES}"
    )
    names = [stage.name for stage in plan_search(cfg, tmp_path / "search", no_training).stages]
    assert sum("supervised-fold" in name for name in names) == 5
    assert sum("supervised-scores" in name for name in names) == 2


def test_another_window_shares_no_stage_but_the_samples(tmp_path):
    words = [*injected_words(tmp_path), "logger=none", "null_twin=none", "folds=2", "words=[data.batch_size=64]"]
    cfg = search_config("method=cathode,lacathode,cwola", *words)
    other = cfg.changed({"scan.center": 3450.0})
    one, two = ({s.name for s in plan_search(c, tmp_path / "search", no_training).stages} for c in (cfg, other))
    assert one & two == {"samples", "record"}
