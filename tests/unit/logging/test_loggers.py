"""W&B: offline unless somebody is logged in, never a prompt, never a hang."""

import pytest
from tests.runs.wandb_records import entries, records, summary

from hepad.core.errors import UserError
from hepad.logging import loggers
from hepad.logging.loggers import (
    build_loggers,
    finish,
    has_key,
    wandb_identity,
    wandb_logger,
    wandb_run_id,
    wandb_runs,
)
from hepad.logging.tracker import ModelFiles, Tracker


@pytest.fixture
def nobody(monkeypatch, tmp_path):
    """Nobody is logged in, and the server is a closed port of this machine."""
    monkeypatch.delenv("WANDB_MODE")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(loggers, "_INIT_TIMEOUT_SECONDS", 3)


def test_without_a_key_auto_is_offline(nobody, tmp_path):
    assert not has_key()
    logger = wandb_logger(str(tmp_path))
    (run,) = wandb_runs([logger])
    assert run.settings.mode == "offline"
    assert run.settings._offline
    finish([logger], exit_code=0)
    assert list((tmp_path / "wandb").glob("offline-run-*"))


def test_a_key_in_the_netrc_file_is_found(nobody, tmp_path):
    (tmp_path / "netrc").write_text(f"machine 127.0.0.1:9 login user password {'a' * 40}\n")
    assert has_key()


def test_a_server_that_does_not_answer_leaves_the_run_offline(nobody, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
    logger = wandb_logger(str(tmp_path))
    assert wandb_runs([logger])[0].settings.mode == "offline"
    finish([logger], exit_code=0)
    assert "cannot be reached" in capsys.readouterr().out


def test_online_on_demand_says_why_it_cannot(nobody, tmp_path, monkeypatch):
    with pytest.raises(UserError, match="wandb login"):
        wandb_logger(str(tmp_path), mode="online")
    monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
    with pytest.raises(UserError, match="cannot be reached"):
        wandb_logger(str(tmp_path), mode="online")


def test_disabled_logs_nothing(nobody, tmp_path):
    assert wandb_logger(str(tmp_path), mode="disabled") is None
    assert not (tmp_path / "wandb").exists()


def test_the_environment_wins(nobody, tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert wandb_logger(str(tmp_path), mode="offline") is None


def test_an_unknown_mode_names_the_allowed_ones(nobody, tmp_path):
    with pytest.raises(UserError, match="auto, online, offline, disabled"):
        wandb_logger(str(tmp_path), mode="on")


def test_a_second_training_in_the_same_directory_continues_the_wandb_run(nobody, tmp_path):
    assert wandb_run_id(tmp_path) is None
    first = wandb_logger(str(tmp_path), project="jets")
    known = wandb_identity([first])
    finish([first], exit_code=1)
    assert wandb_run_id(tmp_path) == known["id"]
    second = wandb_logger(str(tmp_path), project="jets")
    assert wandb_identity([second]) == known == {"id": known["id"], "project": "jets", "entity": None, "url": None}
    finish([second], exit_code=0)
    before, after = records(tmp_path)
    assert (summary(before)["exit_code"], summary(after)["exit_code"]) == (1, 0)
    # Without this mark `wandb sync` would replace what the first record left on the server.
    assert "resume" not in entries(before, "run")[0]
    assert entries(after, "run")[0]["resume"] is True


def test_an_id_of_ones_own(nobody, tmp_path):
    logger = wandb_logger(str(tmp_path), id="jets-7")
    finish([logger], exit_code=0)
    assert wandb_run_id(tmp_path) == "jets-7"


def test_without_tensorboard_one_line_says_how_to_get_it_and_nothing_is_written(nobody, tmp_path, monkeypatch):
    monkeypatch.setattr("hepad.logging.extras.find_spec", lambda name: None if name == "tensorboard" else object())
    configs = {
        name: {"_target_": f"hepad.logging.loggers.{name}_logger", "save_dir": str(tmp_path)}
        for name in ("wandb", "tensorboard")
    }
    with pytest.raises(UserError, match=r'pip install "hepad\[tensorboard\]"'):
        build_loggers(configs)
    assert not list(tmp_path.iterdir())


def test_log_model_names_the_allowed_words(nobody, tmp_path):
    with pytest.raises(UserError, match="none, best, all"):
        wandb_logger(str(tmp_path), log_model="yes")
    assert not (tmp_path / "wandb").exists()


def test_a_registry_needs_a_model_and_is_linked_after_the_upload(nobody, tmp_path, capsys):
    with pytest.raises(UserError, match="log_model=best"):
        wandb_logger(str(tmp_path), registry="trigger")
    assert not (tmp_path / "wandb").exists()
    (tmp_path / "checkpoints").mkdir()
    for name in ("checkpoints/best.ckpt", "config.yaml"):
        (tmp_path / name).write_text(name)
    logger = wandb_logger(str(tmp_path), registry="trigger", log_model="best", entity="cms", project="jets", id="run7")
    logger.log_model(ModelFiles(tmp_path))
    finish([logger], exit_code=0)
    said = capsys.readouterr().out
    assert "wandb.Api().artifact('cms/jets/model-run7:best').link('wandb-registry-model/trigger')" in said


def test_what_is_printed_goes_to_the_record_where_it_is_wanted(nobody, tmp_path):
    logger = wandb_logger(str(tmp_path), log_console=True)
    print("AUC 0.9")
    finish([logger], exit_code=0)
    (record,) = records(tmp_path)
    assert "AUC 0.9" in (record / "files/output.log").read_text()


def test_one_tracker_that_cannot_be_closed_leaves_the_others_closed():
    closed = []

    class Closing(Tracker):
        def finish(self, exit_code):
            closed.append(exit_code)

    class Broken(Tracker):
        def finish(self, exit_code):
            raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        finish([Closing(), Broken(), Closing()], exit_code=1)
    assert closed == [1, 1]
