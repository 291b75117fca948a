"""`python -m hepad.compare DIR…` over searches, and beside runs."""

import pytest

from hepad import compare
from hepad.searches.record_file import FILE, write_record
from tests.fake_runs import fake_scores, write_fake_run
from tests.fake_searches import fake_search
from tests.runs.conftest import call


@pytest.fixture
def searches(tmp_path):
    for i in range(2):
        place = tmp_path / f"searches/s{i}"
        place.mkdir(parents=True)
        write_record(place, fake_search(i, n_windows=2, methods=("cathode",), efficiencies=(1.0, 0.01), null=False))
    return tmp_path


def test_searches_are_compared_by_their_records(searches):
    done = call(compare.main, searches, "searches", "output=out")
    assert done.code == 0, done.err
    assert "Median over seeds" in done.out
    assert "comparison.html" in done.out
    assert {path.name for path in (searches / "out").iterdir()} == {
        *("comparison.html", "comparison.json", "comparison.csv", "comparison_plots")
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["searches/s0", "output=out"], "at least two finished searches; there are 1"),
        (["searches", "runs", "output=out"], "a run, which have nothing to compare"),
        ([".", "output=out"], "a run, which have nothing to compare"),
        (["searches", "baseline=s0", "output=out"], "without one; leave it out"),
        (["searches", "broken", "output=out"], "cannot read broken/search.json"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line(searches, words, said):
    write_fake_run(searches / "runs/r0", fake_scores(0, 0.5))
    (searches / "broken").mkdir()
    (searches / "broken" / FILE).write_text("{]")
    done = call(compare.main, searches, *words)
    assert done.code == 2
    assert said in done.err
    assert done.err.count("\n") == 1
    assert not (searches / "out").exists()
