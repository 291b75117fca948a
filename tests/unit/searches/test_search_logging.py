"""Loggers of a search: an offline W&B record has its numbers, tables and figures; so have the others."""

import csv
from pathlib import Path

import numpy as np
import pytest
from lightning.pytorch.loggers import CSVLogger
from PIL import Image
from tests.fake_searches import fake_search
from tests.runs.wandb_records import entries, records, summary

from hepad.logging.loggers import finish, wandb_logger
from hepad.searches.logging import cut_rows, log_search
from hepad.searches.metrics import search_metrics

RECORD = fake_search(0, n_windows=2, methods=("cathode",), efficiencies=(1.0, 0.01))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "plots").mkdir()
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "plots" / "scan.png")
    return tmp_path


def test_an_offline_record_has_the_numbers_under_their_names(directory):
    logger = wandb_logger(str(directory))
    log_search([logger], RECORD, directory)
    finish([logger], exit_code=0)
    (record,) = records(directory)
    found = summary(record)["summary"]
    for name, value in search_metrics(RECORD).items():
        assert found[name] == pytest.approx(value, rel=1e-12), name
    assert found["search/cuts"]["nrows"] == len(cut_rows(RECORD)) == 8
    assert found["search/found/cathode"]["ncols"] == len(RECORD.methods[0].windows[0].found)
    assert found["plots/scan"]["_type"] == "image-file"
    assert entries(record, "exit")[0].get("exit_code", 0) == 0


def test_a_csv_file_has_them_too(directory):
    logger = CSVLogger(str(directory))
    log_search([logger], RECORD, directory)
    (path,) = directory.glob("lightning_logs/*/metrics.csv")
    row = next(csv.DictReader(path.read_text().splitlines()))
    assert {name: float(value) for name, value in row.items() if name.startswith("search/")} == search_metrics(RECORD)


def test_a_row_of_each_cut_says_whether_it_is_of_the_null_twin():
    rows = cut_rows(RECORD)
    assert [row[1] for row in rows] == [False] * 4 + [True] * 4
    cut = RECORD.methods[0].windows[1].cuts[1]
    assert rows[3][5:12] == [cut.efficiency, cut.observed, cut.expected, cut.error, cut.p, cut.p_toys, cut.z]
