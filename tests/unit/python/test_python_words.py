"""Settings given in Python: the words of a command line that they stand for."""

from pathlib import Path

import numpy as np
import pytest
import torch

from hepad.core.errors import UserError
from hepad.python.composing import compose_training
from hepad.python.words import read_settings


def test_every_way_of_giving_a_key_is_the_same_word():
    word = "trainer.max_epochs=3"
    ways = [{"trainer.max_epochs": 3}, {"trainer__max_epochs": np.int64(3)}, {"trainer": {"max_epochs": 3}}]
    assert read_settings([word], {}).words == [word]
    assert all(read_settings([], way).words == [word] for way in ways)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model.latent", None),
        ("evaluation.plots", False),
        ("optimizer.lr", 1e-4),
        ("seed", 12),
        ("data.features", ["pt", "eta"]),
        ("data.limit", {"zero_bias": 10, "ttbar": 20}),
        ("data.regions", {"signal": {"m_jj": [3300, None]}}),
        ("evaluation.fprs", (0.1, 0.01)),
        ("paths.root", Path("a directory, with 'signs'")),
    ],
)
def test_values_come_back_as_they_were_given(key, value):
    from hepad.cli.words import quote_values
    from hepad.config import compose

    config = compose("train", quote_values(read_settings([], {key: value}).words, "train", multirun=False))
    for part in key.split("."):
        config = config[part]
    expected = str(value) if isinstance(value, Path) else list(value) if isinstance(value, tuple) else value
    assert config == expected


def test_objects_are_kept_apart_from_words():
    loss = torch.nn.MSELoss()
    settings = read_settings([], {"model": {"loss": loss, "latent": 2}})
    assert settings.words == ["model.latent=2"]
    assert settings.objects == {"model.loss": loss}


@pytest.mark.parametrize(
    ("words", "overrides", "said"),
    [
        (["--multirun"], {}, "a word KEY=VALUE is needed"),
        ([3], {}, "a word KEY=VALUE is needed"),
        ([], {"optimizer.lr": object()}, r"optimizer\.lr: a config holds .* only model\.loss and model\.network take"),
        ([], {"model__": 1}, "is no key"),
    ],
)
def test_what_is_no_setting_is_refused(words, overrides, said):
    with pytest.raises(UserError, match=said):
        read_settings(words, overrides)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("trainer.max_epoch=3", "no key 'max_epoch' in trainer; did you mean 'max_epochs'"),
        ("loss=hubert", "loss=hubert does not exist; did you mean 'huber'"),
        ("paths.root=../elsewhere", "no '..' in the directory of a run"),
    ],
)
def test_words_are_checked_as_on_the_command_line(word, said):
    with pytest.raises(UserError, match=said):
        compose_training([word])
