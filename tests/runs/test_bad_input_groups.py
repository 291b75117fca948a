"""Groups and keys that a command does not have, or has only with another option: one line, exit code 2."""

import pytest

from hepad import compare, dashboard, evaluate, score, train
from tests.runs.conftest import call


@pytest.mark.parametrize(
    ("command", "words", "message"),
    [
        (evaluate, ["run=x", "model=vae"], "this command takes no model; allowed: data, evaluation"),
        (evaluate, ["run=x", "model.latent=3"], "this command takes no model; allowed: data, evaluation"),
        (score, ["run=x", "input=a", "output=b", "inference=latent_search"], "this command takes no inference"),
        (compare, ["x", "data=jets"], "this command takes no data"),
        (dashboard, ["model=vae"], "this command takes no model"),
        (train, ["inference.steps=5"], "inference as it is chosen has no key 'steps'; another option of inference may"),
        (train, ["loss.delta=2"], "the settings of loss are under model.loss, e.g. model.loss.delta"),
    ],
)
def test_one_line(tmp_path, command, words, message):
    done = call(command.main, tmp_path, *words)
    assert done.code == 2
    assert message in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())
