"""Stages in order: what is done is skipped, what fails takes only those down that need it."""

import json
from pathlib import Path

import pytest

from hepad.config import RunConfig
from hepad.core.errors import Interrupted, JobError, JobOutcome, UserError
from hepad.pipeline.running import run_pipeline, stage_statuses
from hepad.pipeline.stages import Pipeline, Stage


class Bench:
    """A pipeline a, b → c of files, and the order in which its stages worked."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.worked: list[str] = []
        self.broken: dict[str, BaseException] = {}

    def stage(self, name: str, *needs: str, config=None) -> Stage:
        path = self.directory / name

        def work() -> str:
            self.worked.append(name)
            if name in self.broken:
                raise self.broken[name]
            path.write_text("made")
            return f"result of {name}"

        return Stage(name, path, work, path.is_file, needs, config=config)

    def pipeline(self, config=None) -> Pipeline:
        stages = [self.stage("a", config=config), self.stage("b", config=config), self.stage("c", "a", "b")]
        return Pipeline(self.directory, RunConfig.of({"seed": 1}), stages)


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def test_stages_run_in_order_and_the_last_one_s_result_is_the_pipeline_s(bench, tmp_path):
    assert run_pipeline(bench.pipeline()) == "result of c"
    assert bench.worked == ["a", "b", "c"]
    record = json.loads((tmp_path / "pipeline.json").read_text())
    assert record["stages"]["c"]["needs"] == ["a", "b"]
    assert {stage["status"] for stage in record["stages"].values()} == {"finished"}
    assert (tmp_path / "config.yaml").read_text() == "seed: 1\n"


def test_what_is_done_is_not_done_again(bench, tmp_path):
    (tmp_path / "a").write_text("there")
    run_pipeline(bench.pipeline())
    assert bench.worked == ["b", "c"]
    assert (tmp_path / "a").read_text() == "there"


def test_what_was_made_of_something_that_is_gone_is_made_anew(bench, tmp_path):
    run_pipeline(bench.pipeline())
    (tmp_path / "a").unlink()
    assert run_pipeline(bench.pipeline()) == "result of c"
    assert bench.worked == ["a", "b", "c", "a", "c"]


def test_a_stage_that_fails_leaves_the_others_and_the_pipeline_goes_on_later(bench, tmp_path):
    bench.broken["a"] = JobError("no luck.")
    with pytest.raises(JobError) as failure:
        run_pipeline(bench.pipeline())
    assert bench.worked == ["a", "b"]
    assert "stage a failed: no luck (c could not begin)" in str(failure.value)
    assert "go on with: " in str(failure.value)
    assert f"-m hepad.train resume={tmp_path}" in str(failure.value)
    assert stage_statuses(tmp_path) == {"a": "failed", "b": "finished", "c": "waiting"}
    bench.broken.clear()
    assert run_pipeline(bench.pipeline()) == "result of c"
    assert bench.worked == ["a", "b", "a", "c"]


def test_an_error_nobody_thought_of_is_shown_and_told_in_one_line(bench, capsys):
    bench.broken["b"] = ZeroDivisionError("by zero\nand more")
    with pytest.raises(JobError, match="stage b failed: ZeroDivisionError: by zero"):
        run_pipeline(bench.pipeline())
    assert "Traceback" in capsys.readouterr().err


def test_wrong_input_is_the_user_s_only_where_a_pipeline_goes_on_and_nothing_was_done(bench):
    bench.broken["b"] = UserError("that file")
    # It has begun, so that its files are there.
    with pytest.raises(JobError, match="stage b failed: that file"):
        run_pipeline(bench.pipeline())
    with pytest.raises(UserError, match="that file"):
        run_pipeline(bench.pipeline())


def test_a_stage_that_is_interrupted_ends_the_pipeline(bench, tmp_path):
    bench.broken["a"] = Interrupted(15)
    with pytest.raises(Interrupted):
        run_pipeline(bench.pipeline())
    assert bench.worked == ["a"]
    assert stage_statuses(tmp_path) == {"a": "interrupted", "b": "waiting", "c": "waiting"}


def test_runs_that_need_nothing_of_each_other_go_apart(bench, tmp_path):
    seen = []

    def apart(directory, stages):
        seen.append((directory, [stage.name for stage in stages]))
        return [JobOutcome("finished"), JobOutcome("failed", "killed by signal SIGKILL")]

    with pytest.raises(JobError, match="stage b failed: killed by signal SIGKILL"):
        run_pipeline(bench.pipeline(RunConfig.of({})), apart)
    assert seen == [(tmp_path, ["a", "b"])]
    assert bench.worked == []


def test_edges_go_forward_and_names_are_their_own(bench, tmp_path):
    config = RunConfig.of({})
    with pytest.raises(ValueError, match="stage c needs a"):
        Pipeline(tmp_path, config, [bench.stage("c", "a"), bench.stage("a")])
    with pytest.raises(ValueError, match="two stages are called a"):
        Pipeline(tmp_path, config, [bench.stage("a"), bench.stage("a")])


@pytest.mark.parametrize("content", ['{"stages": {"a": 3}}', '{"stages": {"a"', '{"stages": {}, "threads": 1048576}'])
def test_a_damaged_record_is_named_and_may_be_removed(bench, tmp_path, content):
    (tmp_path / "pipeline.json").write_text(content)
    with pytest.raises(UserError, match=r"pipeline\.json.*remove the file, it is made anew"):
        run_pipeline(bench.pipeline())
    (tmp_path / "pipeline.json").unlink()
    assert run_pipeline(bench.pipeline()) == "result of c"


def test_half_written_files_go_and_directories_stay(bench, tmp_path):
    (tmp_path / ".pipeline.json.tmp").write_text("{")
    (tmp_path / ".mine.tmp").mkdir()
    assert run_pipeline(bench.pipeline()) == "result of c"
    assert [path.name for path in tmp_path.glob(".*.tmp")] == [".mine.tmp"]
