"""Samples of a search: dealt out by the seed, without truth in what trains, and what is refused in one line."""

import h5py
import numpy as np
import pytest
from tests.layouts.hdf5_files import pandas_fixed
from tests.searching import COLUMNS, WINDOW, bump, falling, injected_words, search_config, write_rows

from hepad.core.errors import UserError
from hepad.searches.preparing import prepare_samples
from hepad.searches.reading import SampleReader
from hepad.searches.samples import SearchSamples
from hepad.searches.settings import read_settings


def prepared(*words: str) -> SearchSamples:
    cfg = search_config("logger=none", *words)
    return prepare_samples(read_settings(cfg), SampleReader(cfg))


def own(path, *words: str) -> SearchSamples:
    return prepared("data=table", "data.bundled=false", f"data.samples.data={path}", *WINDOW, *words)


def test_injected_signal_is_among_the_data_and_nowhere_else(tmp_path):
    found = prepared(*injected_words(tmp_path))
    background, signal = falling(6000, 1), bump(600, 2)
    assert found.features == ("a", "b", "c")
    assert found.observable == "m_jj"
    assert (len(found.data), int(found.truth.sum()), len(found.extra), len(found.held_out)) == (3120, 120, 3000, 480)
    joined = np.concatenate([found.data[~found.truth], found.extra])
    np.testing.assert_array_equal(np.sort(joined, axis=0), np.sort(background, axis=0))
    joined = np.concatenate([found.data[found.truth], found.held_out])
    np.testing.assert_array_equal(np.sort(joined, axis=0), np.sort(signal, axis=0))
    # Neither end of the file holds more of it.
    assert 30 < found.truth[:1560].sum() < 90
    assert found.null_kind == "background"
    np.testing.assert_array_equal(found.null, found.data[~found.truth])
    assert found.facts["signal"]["injected"] == 120


def test_a_seed_says_all_and_another_one_deals_anew(tmp_path):
    words = injected_words(tmp_path)
    one, again, other = prepared(*words), prepared(*words), prepared(*words, "seed=43")
    np.testing.assert_array_equal(one.data, again.data)
    assert one.key == again.key != other.key
    assert not np.array_equal(one.data, other.data)


def test_a_fraction_is_that_of_the_background_in_the_window(tmp_path):
    words = [word for word in injected_words(tmp_path) if "events" not in word]
    found = prepared(*words, "injection.fraction=0.05")
    inside = (found.data[:, -1] >= 3300) & (found.data[:, -1] < 3700)
    assert (inside & found.truth).sum() / (inside & ~found.truth).sum() == pytest.approx(0.05, rel=0.15)


def test_no_file_that_trains_holds_the_truth(tmp_path):
    found = prepared(*injected_words(tmp_path))
    found.write(tmp_path / "samples")
    assert found.is_written(tmp_path / "samples")
    assert sorted(path.name for path in (tmp_path / "samples").iterdir()) == [
        *("data.h5", "extra.h5", "held_out.h5", "identity.h5", "null.h5", "truth.h5")
    ]
    for name in ("data", "null"):
        with h5py.File(tmp_path / f"samples/{name}.h5") as file:
            assert list(file) == ["table"]
            assert tuple(file["table"].attrs["features"]) == COLUMNS
    with h5py.File(tmp_path / "samples/identity.h5") as file:
        # A row of the data, which says nothing of where it is from.
        np.testing.assert_array_equal(file["row"][:], np.arange(3120))
    with h5py.File(tmp_path / "samples/truth.h5") as file:
        assert file["label"][:].sum() == 120


def test_own_data_are_as_they_are_with_their_rows_and_identifiers(tmp_path):
    rows = falling(2000, 3)
    path = write_rows(tmp_path / "mine.h5", rows, event=np.arange(2000) + 2**40, run=np.full(2000, 7))
    found = own(path)
    np.testing.assert_array_equal(found.data, rows)
    assert found.features == ("a", "b", "c")
    assert (found.truth, found.extra, found.held_out) == (None, None, None)
    assert sorted(found.identity) == ["event", "row", "run"]
    assert found.identity["event"][-1] == 2**40 + 1999
    assert found.null_kind == "shuffled"
    np.testing.assert_array_equal(np.sort(found.null[:, -1]), np.sort(rows[:, -1]))
    np.testing.assert_array_equal(found.null[:, :-1], rows[:, :-1])
    assert abs(np.corrcoef(found.null[:, -1], rows[:, -1])[0, 1]) < 0.1


def test_truth_in_the_file_is_kept_apart_and_may_be_thinned(tmp_path):
    rows, label = np.concatenate([falling(3000, 3), bump(300, 4)]), np.arange(3300) >= 3000
    path = write_rows(tmp_path / "mine.h5", rows, label=label.astype(np.uint8))
    whole = own(path)
    assert int(whole.truth.sum()) == 300
    assert whole.null_kind == "shuffled"
    thinned = own(path, "injection.events=50", "null_twin=background")
    assert (int(thinned.truth.sum()), len(thinned.held_out), len(thinned.data), len(thinned.null)) == (
        50,
        250,
        3050,
        3000,
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["data.features=[a,label]"], "data.features names label, the truth"),
        (["data.features=[a,m_jj]"], "data.features names m_jj, the observable that is scanned"),
        (["data.context=[m_jj,a]"], r"data.context=\[m_jj,a\]: the one observable"),
        (["scan.width=0.4", "scan.center=3.5"], "are the units the same"),
        (
            ["injection.sample=other", "injection.events=3"],
            "injection.sample=other is not a sample; allowed: none beside",
        ),
        (["injection.sample=data", "injection.events=3"], "holds 300 entries of signal already"),
        (["injection.events=300"], "from 0 to 299 are possible"),
        (["data_fraction=0.5"], "all entries are data; leave it out"),
        (["method=[idealized]"], "it needs background that is known as such"),
        (["method=[supervised]"], "it needs background that is known as such"),
        (["sample=nothing"], "nothing is not a sample"),
        (["cuts=[0.1,0.1]"], "names one twice"),
    ],
)
def test_wrong_words_are_refused(tmp_path, words, said):
    rows, label = np.concatenate([falling(3000, 3), bump(300, 4)]), np.arange(3300) >= 3000
    path = write_rows(tmp_path / "mine.h5", rows, label=label.astype(np.uint8))
    with pytest.raises(UserError, match=said):
        own(path, *words)


@pytest.mark.parametrize(
    ("columns", "words", "said"),
    [
        ({"weight": np.where(np.arange(2000) == 3, -1.0, 1.0)}, [], "weights in .* are negative"),
        ({"weight": np.full(2000, 2.0)}, [], "has weights, and a search counts entries"),
        ({}, ["unblind=true"], "has no truth, and no signal is injected"),
        ({}, ["null_twin=background"], "nobody knows which entries of the data are background"),
        ({}, ["injection.events=5"], "name a sample of signal"),
    ],
)
def test_samples_that_cannot_be_searched_are_refused(tmp_path, columns, words, said):
    path = write_rows(tmp_path / "mine.h5", falling(2000, 3), **columns)
    with pytest.raises(UserError, match=said):
        own(path, *words)


def test_a_column_that_looks_like_the_truth_is_no_feature(tmp_path):
    rows = falling(2000, 3)
    rows[:, 2] = np.arange(2000) % 2
    with h5py.File(tmp_path / "mine.h5", "w") as file:
        file["table"] = rows
        file["table"].attrs["features"] = ["a", "b", "is_signal", "m_jj"]
    with pytest.raises(UserError, match="the feature is_signal is 0 or 1 and looks like the truth"):
        own(tmp_path / "mine.h5")
    assert own(tmp_path / "mine.h5", "data.truth=is_signal").features == ("a", "b")


def test_files_of_the_lhc_olympics_are_read_as_they_were_published(tmp_path):
    rng = np.random.default_rng(0)
    n, label = 600, (np.arange(600) % 6 == 0).astype(float)
    pt, mass = 1300 + rng.exponential(200, n), rng.uniform(50, 300, (2, n))
    columns = {"pxj1": pt, "pyj1": 0 * pt, "pzj1": rng.normal(0, 400, n), "mj1": mass[0]}
    columns |= {f"tau{i}j1": rng.uniform(0.2, 1, n) for i in (1, 2, 3)}
    columns |= {"pxj2": -pt, "pyj2": 0 * pt, "pzj2": rng.normal(0, 400, n), "mj2": mass[1]}
    columns |= {f"tau{i}j2": rng.uniform(0.2, 1, n) for i in (1, 2, 3)} | {"label": label}
    pandas_fixed(tmp_path / "events.h5", np.column_stack(list(columns.values())), list(columns))
    where = ["scan.center=3100", "scan.width=300", "scan.range=[2700,3500]"]
    found = prepared("data=lhco", f"data.samples.background={tmp_path / 'events.h5'}", "injection.events=20", *where)
    assert found.features == ("m_j2", "delta_m", "tau21_j2", "tau21_j1")
    assert int(found.truth.sum()) == 20
    assert (len(found.data), len(found.held_out)) == (520, 80)
    np.testing.assert_array_equal(np.sort(found.data[found.truth, 0])[:1] > 40, [True])
    assert (found.data[:, -1] > 2600).all()


def test_identifiers_among_the_columns_are_no_features(tmp_path):
    rows = falling(400, 5)
    rows[:, 1] = np.arange(400)
    with h5py.File(tmp_path / "mine.h5", "w") as file:
        file["table"] = rows
        file["table"].attrs["features"] = ["a", "event", "c", "m_jj"]
    found = own(tmp_path / "mine.h5")
    assert found.features == ("a", "c")
    np.testing.assert_array_equal(found.identity["event"], np.arange(400))
