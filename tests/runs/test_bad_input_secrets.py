"""A key or a password in the config is refused before anything is written, and is not repeated on the screen."""

import pytest

from hepad.config import RunConfig
from hepad.core.errors import UserError
from hepad.logging.secret_words import refuse_secrets

KEY = "0123456789abcdef" * 2 + "01234567"


@pytest.mark.parametrize(
    "word",
    [
        "++logger.wandb.api_key=hunter2",
        "++wandb_token=hunter2",
        "++mail={password: hunter2}",
        f"logger.wandb.notes={KEY}",
        f"logger.wandb.tags=[short,{KEY}]",
        "logger.wandb.name=wandb_v1_hunter2hunter2hunter2hunter2",
        "'logger.wandb.notes=\"https://me:hunter2@example.org\"'",
        f"'logger.wandb.notes=\"WANDB_API_KEY={KEY}\"'",
        "logger.wandb.notes=${oc.env:MY_KEY}",
    ],
)
def test_one_line_exit_code_2_and_nothing_written(run_train, own_samples, tmp_path, monkeypatch, word):
    monkeypatch.setenv("MY_KEY", KEY)
    before = sorted(tmp_path.rglob("*"))
    done = run_train(*own_samples, "trainer.max_epochs=1", word.strip("'"))
    assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert done.err.startswith("error: ")
    assert "WANDB_API_KEY" in done.err
    assert "hunter2" not in done.err
    assert KEY not in done.err
    assert sorted(tmp_path.rglob("*")) == before


def test_what_only_resembles_a_secret_passes():
    refuse_secrets(RunConfig.of({"n_tokens": 4, "token": None, "secretary": "Ms Smith", "file": f"{KEY}.h5"}))
    refuse_secrets(RunConfig.of({"notes": "revision 1a2b3c4 of the tokenizer, https://example.org:80/a@b"}))
    with pytest.raises(UserError, match="the config looks like a W&B key"):
        refuse_secrets(RunConfig.of({KEY: 1}))
