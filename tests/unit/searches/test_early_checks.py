"""What a look at the columns refuses: in the words of who reads them, and before torch is imported."""

import subprocess
import sys

import h5py
import numpy as np
import pytest
from tests.searching import WINDOW, bump, falling, search_config, write_rows

from hepad.core.errors import UserError
from hepad.searches.early_checks import check_data
from hepad.searches.preparing import prepare_samples
from hepad.searches.reading import SampleReader
from hepad.searches.settings import read_settings

OWN = ("data=table", "data.bundled=false", "method=cathode")

WRONG = {
    "unit": ["scan.width=0.4", "scan.center=3.5"],
    "range": ["scan.range=[2.6,4.4]"],
    "side_band": ["scan.center=2700", "scan.width=400"],
    "observable": ["data.features=[a,m_jj]"],
    "truth": ["data.features=[a,label]"],
    "context": ["data.context=[m_jj,a]"],
    "methods": ["cuts=[0.1,0.1]"],
    "weights": [],
    "hidden_truth": [],
    "few": [],
}


def refused(cfg, do):
    with pytest.raises(UserError) as error:
        do(cfg)
    return str(error.value)


@pytest.mark.parametrize("wrong", WRONG)
def test_the_refusal_is_that_of_the_search(tmp_path, wrong):
    rows = falling(10 if wrong == "few" else 2000, 3)
    columns = {"weight": np.full(2000, 2.0)} if wrong == "weights" else {}
    path = write_rows(tmp_path / "mine.h5", rows, **columns)
    if wrong == "hidden_truth":
        rows[:, 2] = np.arange(2000) % 2
        with h5py.File(path, "a") as file:
            file["table"][:] = rows
            file["table"].attrs["features"] = ["a", "b", "is_signal", "m_jj"]
    cfg = search_config(*OWN, *WINDOW, *WRONG[wrong], f"data.samples.data={path}")
    early = refused(cfg, check_data)
    assert early == refused(cfg, lambda cfg: prepare_samples(read_settings(cfg), SampleReader(cfg)))


@pytest.mark.parametrize("words", [["method=cathode"], ["method=cwola", "injection.events=10"], ["data=lhco"]])
def test_what_can_be_searched_or_is_no_plain_table_is_left_alone(words):
    check_data(search_config(*words))


def test_truth_in_the_file_and_in_the_table_is_no_leak(tmp_path):
    rows = np.concatenate([falling(1000, 3), bump(100, 4)])
    label = np.repeat([0, 1], [1000, 100]).astype(np.uint8)
    path = write_rows(tmp_path / "mine.h5", rows, label=label)
    check_data(search_config(*OWN, *WINDOW, f"data.samples.data={path}"))
    rows[:, 2] = label
    with h5py.File(path, "a") as file:
        del file["label"]
        file["table"][:] = rows
        file["table"].attrs["features"] = ["a", "b", "is_signal", "m_jj"]
    check_data(search_config(*OWN, *WINDOW, "data.truth=is_signal", f"data.samples.data={path}"))


def test_windows_in_another_unit_are_refused_before_torch_is_imported(tmp_path):
    path = write_rows(tmp_path / "mine.h5", falling(2000, 3))
    words = [f"data.samples.data={path}", "scan.center=3.5", "scan.width=0.4"]
    code = (
        "import sys\n"
        "from hepad.search import main\n"
        "try:\n"
        f"    main({words!r})\n"
        "except SystemExit as stop:\n"
        "    print(stop.code, sorted({'torch', 'lightning', 'wandb', 'scipy', 'sklearn'} & {*sys.modules}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "2 []\n"
    assert "are the units the same" in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["mine.h5"]
