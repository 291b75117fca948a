"""Building from configs: only what is on the allow-list."""

import pytest

from hepad.config.registry import TRUST_VARIABLE, check_targets, instantiate
from hepad.core.errors import UserError
from hepad.losses import MSE


def test_shipped_names_are_built():
    assert isinstance(instantiate({"_target_": "hepad.losses.MSE"}), MSE)


@pytest.mark.parametrize(
    "target",
    ["os.system", "torch.load", "builtins.eval", "hepad.losses.MSE.__init__", "hepad.losses.base.mean_per_entry"],
)
def test_everything_else_is_refused(target):
    with pytest.raises(UserError, match="is not one of hepad's"):
        instantiate({"_target_": target})


def test_nested_targets_are_found():
    with pytest.raises(UserError, match=r"torch\.load"):
        check_targets({"a": [{"b": {"_target_": "torch.load"}}]})


def test_the_user_can_trust_a_name_and_only_that(monkeypatch):
    monkeypatch.setenv(TRUST_VARIABLE, "collections.OrderedDict, my.Model")
    assert instantiate({"_target_": "collections.OrderedDict"}) == {}
    with pytest.raises(UserError):
        instantiate({"_target_": "collections.Counter"})


def test_a_refused_value_becomes_one_line():
    with pytest.raises(UserError, match="Huber: delta=0"):
        instantiate({"_target_": "hepad.losses.Huber", "delta": 0})
