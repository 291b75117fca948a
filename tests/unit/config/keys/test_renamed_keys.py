"""Keys that had another name: on the command line, and in configs of older runs."""

import pytest

from hepad.cli.words import quote_values
from hepad.config.keys import COMMAND_KEYS, present_word, with_present_keys
from hepad.config.keys.renamed import RENAMED_KEYS
from hepad.core.errors import UserError


def test_every_new_name_is_a_key_and_no_old_one_is():
    assert {new for new, _ in RENAMED_KEYS.values()} <= COMMAND_KEYS["train"].keys()
    assert not RENAMED_KEYS.keys() & COMMAND_KEYS["train"].keys()
    for new, values in RENAMED_KEYS.values():
        assert all(COMMAND_KEYS["train"][new].problem(value) is None for value in values.values())


@pytest.mark.parametrize(
    ("word", "present"),
    [
        ("data.train_on=teacher", "data.half=first"),
        ("data.train_on=student", "data.half=second"),
        ("data.train_on=all", "data.half=null"),
        ("data.train_on=null", "data.half=null"),
        ("data.train_on=teacher,student", "data.half=first,second"),
        ("data.limit=3", "data.limit=3"),
    ],
)
def test_a_word_of_before_means_what_it_meant(word, present):
    assert present_word(word) == present
    assert quote_values([word], "train", multirun=True) == [present]


def test_a_value_that_the_key_never_had_is_told_the_new_name():
    with pytest.raises(UserError, match=r"data\.train_on is called data\.half now; write null for all, first for"):
        present_word("data.train_on=half")


def test_an_older_config_is_read_with_the_new_key():
    assert with_present_keys({"data": {"train_on": "teacher"}, "seed": 1}) == {"data": {"half": "first"}, "seed": 1}
    assert with_present_keys({"seed": 1}) == {"seed": 1}
