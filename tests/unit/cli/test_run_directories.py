"""Commands that make no run take no sweep and no directory of a run, and leave none behind."""

import pytest
from tests.runs.conftest import call

from hepad import compare, generate, new, schema


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (schema.main, ["train"]),
        (generate.main, ["run=run", "output=made.h5"]),
        (new.main, ["model", "mine"]),
        (compare.main, ["runs=[a,b]"]),
    ],
    ids=["schema", "generate", "new", "compare"],
)
@pytest.mark.parametrize(
    "word", ["-m", "--multirun", "hydra.run.dir=kept", "hydra.sweep.dir=kept", "hydra.mode=MULTIRUN"]
)
def test_a_directory_of_a_run_is_refused_in_one_line(tmp_path, command, words, word):
    done = call(command, tmp_path, *words, word)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: {word}: ")
    assert "makes no run and has no directory of one; leave it out" in done.err
    assert done.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
