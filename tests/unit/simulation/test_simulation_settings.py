from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hepad.config import compose
from hepad.core.errors import UserError
from hepad.simulation.chunks import read_arrays, write_arrays
from hepad.simulation.processes import PROCESSES, SAMPLES
from hepad.simulation.request import SELECTIONS, read_request
from hepad.simulation.settings import (
    Settings,
    check_directory,
    chunk_seeds,
    sample_fingerprint,
)


def test_the_config_asks_for_all_six_samples() -> None:
    request = read_request(compose("simulate"))
    assert tuple(request.settings.n_events) == SAMPLES
    assert set(request.settings.n_events.values()) == {1000}
    assert request.workers is None


def test_every_selection_of_the_table_exists() -> None:
    assert {row.selection for row in PROCESSES.values()} - {None} <= set(SELECTIONS)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("samples=[zero_bias,top]", "unknown sample 'top' in samples; choose from zero_bias, soft_qcd"),
        ("samples=[]", "samples is empty"),
        ("samples=[ttbar,ttbar]", "twice"),
        ("n_events=0", "n_events of zero_bias is 0; it must be a whole number, at least 1"),
        ("n_events=1.5", "whole number"),
        ("n_events=many", "whole number"),
        ("n_events={zero_bias: 10}", "n_events has no number for soft_qcd"),
        ("n_events={zero_bias: 10, tau: 10}", "n_events"),
        ("seed=-1", "seed is -1"),
        ("seed=true", "seed is True"),
        ("workers=0", "workers is 0; it must be a whole number"),
        ("chunk_size=0", "chunk_size is 0"),
        ("mantissa_bits=24", "mantissa_bits is 24; it must be a whole number, from 4 to 23"),
        ("pileup.mean=-1", "pileup.mean is -1"),
        ("pileup.mean=high", "pileup.mean is 'high'; it must be a number"),
        ("pileup.mean=0", "zero_bias is made of pileup only"),
        ("output=null", "output is None; it must be a directory"),
        ("validate=maybe", "validate is 'maybe'; it must be true or false"),
    ],
)
def test_wrong_input_is_one_line_that_says_what_would_be_right(override: str, message: str) -> None:
    with pytest.raises(UserError, match=r".") as error:
        read_request(compose("simulate", [override]))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_numbers_per_sample_go_to_their_sample() -> None:
    cfg = compose("simulate", ["samples=[ttbar,zero_bias]", "n_events={zero_bias: 7, ttbar: 3}"])
    assert read_request(cfg).settings.n_events == {"ttbar": 3, "zero_bias": 7}


def test_numbers_for_samples_not_asked_for_are_refused() -> None:
    cfg = compose("simulate", ["samples=[ttbar]", "n_events={zero_bias: 7, ttbar: 3}"])
    with pytest.raises(UserError, match="zero_bias, which is not in samples"):
        read_request(cfg)


def test_an_unwritable_output_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"output=.*/file/output cannot be a directory: .*/file is a file"):
        check_directory("output", tmp_path / "file" / "output")
    check_directory("output", tmp_path / "new" / "output")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    "change",
    [{"seed": 7}, {"pileup_mean": 7.0}, {"chunk_size": 7}, {"mantissa_bits": 7}, {"n_events": {"ttbar": 7}}],
)
def test_any_change_of_settings_changes_the_fingerprint(change: dict[str, Any]) -> None:
    base: dict[str, Any] = {"n_events": {"ttbar": 100}}
    before, after = Settings(**base), Settings(**(base | change))
    assert sample_fingerprint(before, "ttbar") != sample_fingerprint(after, "ttbar")


def test_other_samples_do_not_change_the_fingerprint_of_one() -> None:
    alone, beside = Settings({"ttbar": 10}), Settings({"radion": 20, "ttbar": 10})
    assert sample_fingerprint(alone, "ttbar") == sample_fingerprint(beside, "ttbar")


def test_seeds_differ_between_seeds_samples_and_chunks() -> None:
    keys = [(seed, name, chunk) for seed in (1, 2) for name in ("ttbar", "radion") for chunk in (0, 1)]
    seeds = [chunk_seeds(*key) for key in keys]
    pythia = [seed for chunk in seeds for seed in (chunk.hard, chunk.pileup)]
    detector = {np.random.default_rng(chunk.detector).random() for chunk in seeds}
    assert len(set(pythia)) == 2 * len(keys)
    assert len(detector) == len(keys)
    assert all(1 <= seed <= 900_000_000 for seed in pythia)
    assert chunk_seeds(*keys[0]).pileup == seeds[0].pileup


def test_a_chunk_file_is_read_back_only_if_whole_and_of_the_same_settings(tmp_path: Path) -> None:
    path = tmp_path / "chunk.npz"
    write_arrays(path, {"x": np.arange(1000)}, "mine")
    found = read_arrays(path, "mine")
    assert found is not None
    assert found["x"].tolist() == list(range(1000))
    assert list(tmp_path.iterdir()) == [path]
    assert read_arrays(path, "other") is None
    assert read_arrays(tmp_path / "none.npz", "mine") is None
    whole = path.read_bytes()
    for damaged in (b"", whole[:100], whole[:-200], whole[:300] + b"\0\1\2" + whole[303:]):
        path.write_bytes(damaged)
        assert read_arrays(path, "mine") is None
