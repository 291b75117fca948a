"""A run's record: from finished, failed and unfinished runs alike; and where runs are found."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from hepad.comparison import find_runs, read_record
from hepad.config import compose
from hepad.core.errors import UserError


def write_run(directory: Path, overrides: list[str] = (), **facts: object) -> Path:
    """Write what a run leaves first, config.yaml, and provenance.json where there are facts."""
    directory.mkdir(parents=True)
    cfg = compose("train", ["logger=none", *overrides])
    cfg.paths.run = str(directory)
    (directory / "config.yaml").write_text(OmegaConf.to_yaml(cfg, resolve=True))
    if facts:
        (directory / "provenance.json").write_text(json.dumps(facts))
    return directory


def test_a_finished_run(tmp_path):
    facts = {
        "status": "finished",
        "command": ["model=vae", "seed=3"],
        "background": "zero_bias",
        "parameters": 937,
        "epochs": 12,
        "seed": 3,
        "seconds": {"train": 20.5},
    }
    run = write_run(tmp_path / "a", ["model=vae", "loss=huber"], **facts)
    (run / "metrics.json").write_text('{"test/auc/ttbar_vs_zero_bias": 0.8}')
    record = read_record(run)
    assert (record.name, record.status, record.reason) == ("a", "finished", None)
    assert (record.model, record.data, record.loss) == ("vae", "jets", "huber")
    assert record.command == ("model=vae", "seed=3")
    assert (record.parameters, record.epochs, record.seed, record.seconds["train"]) == (937, 12, 3, 20.5)
    assert record.metrics == {"test/auc/ttbar_vs_zero_bias": 0.8}
    assert record.config["optimizer"]["lr"] == 1e-3


def test_a_model_whose_config_is_global_has_its_name(tmp_path):
    record = read_record(write_run(tmp_path / "a", ["model=distilled"]))
    assert (record.model, record.loss) == ("distilled", "mse")


def test_a_failed_run_says_why(tmp_path):
    record = read_record(write_run(tmp_path / "a", status="failed", reason="RuntimeError: out of memory"))
    assert (record.status, record.reason) == ("failed", "RuntimeError: out of memory")
    assert record.metrics == {}
    assert record.epochs is None


def test_a_run_that_only_has_its_config(tmp_path):
    assert read_record(write_run(tmp_path / "a")).status == "interrupted"


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("config.yaml", "model: [", "config.yaml"),
        ("config.yaml", "a: 1", "not the config of a run"),
        ("config.yaml", "!!python/object/apply:os.system [echo]", "config.yaml"),
        ("metrics.json", '{"a": ', "metrics.json"),
        ("metrics.json", '{"a": "b"}', "a number is needed"),
        ("provenance.json", "[1]", "a JSON object"),
    ],
)
def test_damaged_files_are_named(tmp_path, file, content, said):
    run = write_run(tmp_path / "a", status="finished")
    (run / file).write_text(content)
    with pytest.raises(UserError, match=said):
        read_record(run)


def test_an_evaluation_is_named_after_its_run(tmp_path):
    assert read_record(write_run(tmp_path / "a/evaluations/other")).name == "a/other"


def test_runs_are_found_in_directories_and_by_patterns(tmp_path):
    for name in ("sweep/10", "sweep/2", "sweep/2/teacher", "2026-01-01/a", "2026-01-01/b"):
        write_run(tmp_path / name)
    names = [path.relative_to(tmp_path).as_posix() for path in find_runs([tmp_path / "sweep"])]
    assert names == ["sweep/2", "sweep/10"]
    assert len(find_runs([tmp_path])) == 4
    assert len(find_runs([f"{tmp_path}/*/a", tmp_path / "2026-01-01", tmp_path / "sweep/2"])) == 3
    assert find_runs([tmp_path / "sweep/2/teacher"]) == [tmp_path / "sweep/2/teacher"]


def test_places_without_runs_are_refused(tmp_path):
    with pytest.raises(UserError, match="no directory"):
        find_runs([tmp_path / "nothing*"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no run"):
        find_runs([tmp_path / "empty"])
    with pytest.raises(UserError, match="is not a run"):
        read_record(tmp_path / "empty")


def test_reading_records_needs_no_torch():
    code = (
        "import sys, hepad.compare, hepad.comparison.page\n"
        "print(sorted({'torch', 'lightning', 'wandb'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
