"""What is left out of a run of the tests: repetitions unless asked for, and never without a word."""

from types import SimpleNamespace

import pytest
from tests import left_out
from tests.left_out import covering

CASES = [("vae", "jets", "mse"), ("vae", "calo", "mse"), ("gan", "calo", "mse"), ("gan", "jets", "ssim")]


def left_out_of(params):
    return [param.id for param in params if param.marks]


@pytest.mark.parametrize(
    ("together", "expected"),
    [
        # Every word once: the third has the gan, the fourth the other loss.
        ((), []),
        (((0,),), ["vae-calo-mse", "gan-jets-ssim"]),
        # The loss together with the kind of data.
        (((1, 2),), ["gan-calo-mse"]),
    ],
)
def test_a_case_that_tries_nothing_new_is_thorough(together, expected):
    params = covering(CASES, *together)
    assert [param.values for param in params] == [(case,) for case in CASES]
    assert left_out_of(params) == expected


def test_cases_in_which_each_word_was_tried_are_thorough():
    assert left_out_of(covering([("a", "x"), ("b", "y"), ("a", "y"), ("b", "x")])) == ["a-y", "b-x"]


class Item:
    def __init__(self, *marks):
        self.marks = marks

    def get_closest_marker(self, name):
        return name if name in self.marks else None


@pytest.mark.parametrize(("asked", "has_device", "kept"), [(False, False, 1), (True, False, 2), (True, True, 3)])
def test_what_does_not_run_is_deselected_and_told(monkeypatch, asked, has_device, kept):
    monkeypatch.setattr(left_out, "_has_device", lambda: has_device)
    gone, said = [], []
    config = SimpleNamespace(
        getoption=lambda name: asked,
        hook=SimpleNamespace(pytest_deselected=lambda items: gone.extend(items)),
        stash=pytest.Stash(),
    )
    items = [Item(), Item("thorough"), Item("gpu")]
    left_out.pytest_collection_modifyitems(config, items)
    assert (len(items), len(gone)) == (kept, 3 - kept)
    left_out.pytest_terminal_summary(SimpleNamespace(write_sep=lambda line, text: said.append(text)), config)
    assert len(said) == 3 - kept
    assert all(text.startswith("1 ") and "did not run" in text for text in said)
