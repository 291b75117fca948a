"""Several searches by one command: one for each amount of signal and seed, done once, and compared."""

from pathlib import Path

import pytest
from tests.fake_searches import fake_search
from tests.searching import search_config

from hepad.config import RunConfig
from hepad.core.errors import JobError, UserError
from hepad.rundir.config_file import CONFIG
from hepad.search import main, named
from hepad.searches import injection_sweep
from hepad.searches.injection_sweep import planned_searches, run_searches
from hepad.searches.preparing import prepare_samples
from hepad.searches.reading import SampleReader
from hepad.searches.record_file import write_record
from hepad.searches.settings import read_settings


@pytest.fixture
def done(monkeypatch) -> list[RunConfig]:
    """The searches that were done, in order; each writes a made-up record."""
    searches: list[RunConfig] = []

    def run(cfg, task):
        directory = Path(cfg.run_dir)
        directory.mkdir(parents=True, exist_ok=True)
        if cfg.seed == 99:
            raise JobError("the fit diverged")
        (directory / CONFIG).write_text(cfg.yaml())
        small = {"n_windows": 1, "methods": ("cathode",), "efficiencies": (1.0, 0.01), "null": False}
        amount = 100 * (cfg.value("injection.fraction") or 0)
        write_record(directory, fake_search(cfg.seed, n_signal=amount, **small))
        searches.append(cfg)

    monkeypatch.setattr(injection_sweep, "run_search", run)
    monkeypatch.setattr(injection_sweep, "plan_search", lambda *_: None)
    monkeypatch.setattr(injection_sweep, "write_search_comparison", lambda comparison, directory: directory / "page")
    return searches


def test_a_search_for_each_amount_and_seed_is_done_once_and_more_seeds_go_on(tmp_path, done, capsys):
    words = ["injection.fractions=[0,0.02]", "seed=5", f"paths.run={tmp_path}"]
    run_searches(search_config(*words, "injection.seeds=2"))
    assert [(cfg.value("injection.fraction"), cfg.seed) for cfg in done] == [(0, 5), (0, 6), (0.02, 5), (0.02, 6)]
    assert all(cfg.value("injection.seeds") == 1 and not cfg.value("injection.fractions") for cfg in done)
    assert "Median over seeds" in capsys.readouterr().out
    run_searches(search_config(*words, "injection.seeds=3"))
    assert [(cfg.value("injection.fraction"), cfg.seed) for cfg in done[4:]] == [(0, 7), (0.02, 7)]
    run_searches(search_config(*words, "injection.seeds=3", "toys=7"))
    assert len(done) == 12


def test_one_that_fails_is_told_and_the_others_are_done(tmp_path, done, capsys):
    with pytest.raises(JobError, match=r"1 of 3 searches failed, first .*seed_99; the same command goes on"):
        run_searches(search_config("injection.seeds=3", "seed=98", f"paths.run={tmp_path}"))
    assert [cfg.seed for cfg in done] == [98, 100]
    assert "the fit diverged" in capsys.readouterr().out


def test_one_search_is_the_search_itself(tmp_path, done):
    run_searches(search_config("injection.fraction=0.01", f"paths.run={tmp_path}"))
    run_searches(search_config("injection.fractions=[0.02]", f"paths.run={tmp_path}"))
    assert [cfg.run_dir for cfg in done] == [str(tmp_path)] * 2
    assert [cfg.value("injection.fraction") for cfg in done] == [0.01, 0.02]


@pytest.mark.parametrize("key", ["events=3", "fraction=0.1"])
def test_two_amounts_are_refused(key):
    with pytest.raises(UserError, match="both say how much; leave one out"):
        planned_searches(search_config("injection.fractions=[0,0.1]", f"injection.{key}"))
    with pytest.raises(UserError, match=r"injection\.fractions=\[0\.1,0\.1\] names one twice"):
        planned_searches(search_config("injection.fractions=[0.1,0.1]"))


def test_the_bundled_signal_is_injected_where_no_other_is_named():
    cfg = search_config("injection.fraction=0.01", "null_twin=none")
    samples = prepare_samples(read_settings(cfg), SampleReader(cfg))
    assert samples.facts["signal"]["injected"] == samples.truth.sum() == 153


def test_more_seeds_and_amounts_have_the_same_directory_and_a_single_search_another():
    one, more, alone = (
        named(["method=[cwola]", *words])[-1]
        for words in (["injection.seeds=2"], ["injection.seeds=9", "injection.fractions=[0,0.1]"], [])
    )
    assert one == more == f"{alone}_injection"


def test_a_sweep_of_hydra_is_refused_with_what_does_it_here(capsys):
    with pytest.raises(SystemExit):
        main(["-m", "method=cathode", "seed=1,2"])
    assert "injection.seeds=3" in capsys.readouterr().err
