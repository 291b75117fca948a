"""The files for `wandb sweep`: the commands that a W&B agent makes of them run."""

import json

import pytest
import wandb
import yaml
from wandb.sdk.launch.sweeps.utils import create_sweep_command, create_sweep_command_args
from wandb.sdk.lib.config_util import save_config_file_from_dict

from hepad import train
from hepad.config import config_dir
from tests.runs.conftest import call, two_samples
from tests.runs.wandb_records import entries, records, summary

FILES = sorted((config_dir() / "sweep").glob("wandb_*.yaml"))


@pytest.fixture
def fresh_wandb():
    """W&B reads the environment once per process; an agent starts a process for each job."""
    wandb.teardown()
    yield
    wandb.teardown()


def suggestion(parameters, largest):
    """What the server might suggest: all smallest, or all largest values."""
    return {
        name: {"value": values["values"][-largest] if "values" in values else values["max" if largest else "min"]}
        for name, values in parameters.items()
    }


def agent_command(sweep, suggested):
    """The command as W&B's agent composes it, with its own functions."""
    known = create_sweep_command_args({"args": suggested})
    known |= {"env": ["/usr/bin/env"], "interpreter": ["python"], "program": [sweep["program"]]}
    words = []
    for chunk in create_sweep_command(sweep["command"]):
        words += known[chunk[2:-1]] if chunk.startswith("${") and chunk.endswith("}") else [chunk]
    return words


# W&B leaves the file of the suggested values open.
@pytest.mark.filterwarnings("ignore:unclosed file.*parameters.yaml:ResourceWarning")
@pytest.mark.parametrize(("path", "largest"), list(zip(FILES, (0, 1), strict=True)))
def test_the_command_of_an_agent_runs(path, largest, tmp_path, monkeypatch, fresh_wandb):
    sweep = yaml.safe_load(path.read_text())
    suggested = suggestion(sweep["parameters"], largest)
    words = agent_command(sweep, suggested)
    assert words[:4] == ["/usr/bin/env", "python", "-m", "hepad.train"]
    # What an agent sets.
    save_config_file_from_dict(str(tmp_path / "parameters.yaml"), suggested)
    monkeypatch.setenv("WANDB_SWEEP_ID", "sweep1")
    monkeypatch.setenv("WANDB_RUN_ID", "run1")
    monkeypatch.setenv("WANDB_SWEEP_PARAM_PATH", str(tmp_path / "parameters.yaml"))
    short = ["trainer.max_epochs=1", "evaluation.plots=false"]
    done = call(train.main, tmp_path, *words[4:], *two_samples(tmp_path), *short)
    assert done.code == 0, done.err

    run = tmp_path / "multirun/wandb/run1"
    (record,) = records(run)
    found = summary(record)
    assert found["run_id"] == "run1"
    assert entries(record, "run")[0]["sweep_id"] == "sweep1"
    # What the server optimises is there, a plain number; and the run did what was suggested.
    assert isinstance(found["summary"][sweep["metric"]["name"]], float)
    config = yaml.safe_load((run / "config.yaml").read_text())
    for name, value in suggested.items():
        assert found["config"][name] == value["value"]
        section, _, key = name.partition(".")
        if key or section == "seed":
            assert (config[section][key] if key else config[section]) == value["value"]
    assert json.loads((run / "provenance.json").read_text())["status"] == "finished"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_as_an_option_of_hydra_it_is_refused_with_the_right_command(path, run_train):
    for words in ([], ["-m"]):
        done = run_train(f"sweep={path.stem}", *words)
        assert (done.code, done.err.count("\n")) == (2, 1), done.err
        assert f"wandb sweep {path}" in done.err
