"""The line of a terminal that says what a command is doing: seen in a real terminal, with a clock of its own."""

import os
import pty
import re
import subprocess
import sys
import time
from importlib import import_module
from types import SimpleNamespace

import pytest
import torch

from hepad.callbacks import EpochLines, EpochsInTheLine, progress_bar
from hepad.core.phases import JobCount, PhaseLine, minutes


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_a_phase_says_how_long_it_takes_so_far(clock):
    line = PhaseLine(clock)
    line.begin("scoring")
    clock.now += 83
    assert line.text() == "scoring · 1:23"


def test_jobs_of_a_sweep_are_counted_and_the_rest_is_as_long_as_what_is_done_was(clock):
    line, jobs = PhaseLine(clock), JobCount(clock)
    assert line.begin_job() == ("", "")
    jobs.expect(4)
    # What comes before the first job is no job.
    clock.now += 500
    with line.counting(jobs):
        line.begin("starting")
        assert line.text() == "starting · 0:00"
        assert line.begin_job() == ("[1/4] ", "")
        clock.now += 60
        assert line.begin_job() == ("[2/4] ", ", about 3:00 left")
        line.begin("training")
        clock.now += 20
        # 1:00 for each of four, of which 1:20 are over.
        assert line.text() == "[2/4] training · 0:20 · sweep about 2:40 left"
    line.begin("training")
    assert line.text() == "training · 0:00"


def test_trials_of_a_search_that_goes_on_are_counted_from_where_it_stopped(clock):
    line, jobs = PhaseLine(clock), JobCount(clock)
    for done, told in ((7, ("[8/10] ", "")), (8, ("[9/10] ", ", about 1:00 left"))):
        jobs.expect(10, done)
        with line.counting(jobs):
            assert line.begin_job() == told
        clock.now += 30


def test_a_job_that_takes_longer_than_the_rest_was_to_leaves_nothing(clock):
    jobs = JobCount(clock)
    jobs.expect(2)
    jobs.begin()
    clock.now += 10
    jobs.begin()
    clock.now += 1000
    assert jobs.words() == ("[2/2] ", ", about 0:00 left")


def trainer(epoch, loss=None, max_epochs=10):
    metrics = {} if loss is None else {"val/loss": torch.tensor(loss)}
    return SimpleNamespace(current_epoch=epoch, max_epochs=max_epochs, num_training_batches=4, callback_metrics=metrics)


def test_epochs_and_the_time_that_is_left_at_most(clock):
    line = PhaseLine(clock)
    bar = EpochsInTheLine(line)
    # Goes on after four epochs that another process trained.
    bar.on_train_start(trainer(4), None)
    assert line.text() == "training · epoch 5/10"
    clock.now += 5
    bar.on_train_batch_end(trainer(4), None, None, None, 1)
    assert line.text() == "training · epoch 5/10 · at most 0:55 left"
    clock.now += 5
    bar.on_train_epoch_end(trainer(4, 0.51234), None)
    assert line.text() == "training · epoch 6/10 · val/loss 0.5123 · at most 0:50 left"
    clock.now += 50
    bar.on_train_epoch_end(trainer(9, 0.5), None)
    assert line.text() == "training · epoch 10/10 · val/loss 0.5 · at most 0:00 left"


def test_without_a_last_epoch_the_time_so_far_is_told(clock):
    line = PhaseLine(clock)
    bar = EpochsInTheLine(line)
    bar.on_train_start(trainer(0, max_epochs=-1), None)
    clock.now += 61
    assert line.text() == "training · epoch 1 · 1:01"


def test_hours():
    assert minutes(3600) == "1:00:00"


def test_a_batch_log_has_lines_of_epochs():
    assert isinstance(progress_bar(), EpochLines)


PROGRAM = """
import time
from hepad.core.phases import PHASES
from hepad.core.progress import progress
with PHASES.shown("starting"):
    time.sleep(0.3)
    print("a line of the job")
    PHASES.begin("searching")
    with progress("search", 2) as advance:
        advance(2)
    time.sleep(0.3)
print("the end")
"""


def in_a_terminal(*words, **environment):
    reader, writer = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, *(words or ("-c", PROGRAM))], stdout=writer, stderr=writer,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "60", **environment},
    )  # fmt: skip
    os.close(writer)
    found = b""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            part = os.read(reader, 4096)
        except OSError:
            break
        if not part:
            break
        found += part
    assert process.wait() == 0
    os.close(reader)
    return found.decode()


def left_on_the_screen(text):
    """What a terminal shows at the end, of the sequences that are used here."""
    lines, row = [""], 0
    for token in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\r\n|\n|\r|[^\x1b\r\n]+", text):
        if token.endswith("A") and token.startswith("\x1b["):
            row -= int(token[2:-1] or 1)
        elif token == "\x1b[2K":
            lines[row] = ""
        elif token in ("\n", "\r\n"):
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif token != "\r" and not token.startswith("\x1b"):
            lines[row] += token
    return [line for line in lines if line.strip()]


def test_in_a_terminal_the_line_comes_and_goes_around_bars_and_prints():
    shown = in_a_terminal()
    assert "starting" in shown
    assert "searching · 0:00" in shown
    left = left_on_the_screen(shown)
    assert left[0] == "a line of the job"
    assert left[-1] == "the end"
    assert not any("starting" in line or "searching" in line for line in left)


def test_of_several_processes_that_train_one_run_the_first_has_the_terminal():
    assert "starting" not in in_a_terminal(LOCAL_RANK="1")


def test_every_command_says_at_once_that_it_runs_and_breaks_no_line_that_may_be_copied():
    path = import_module("hepad.bundled").__file__.replace("__init__.py", "wprime.h5")
    shown = in_a_terminal("-m", "hepad.inspect", path)
    assert shown.index("starting") < shown.index("looking at files") < shown.index("wprime.h5")
    use = [line for line in left_on_the_screen(shown) if "use it:" in line]
    assert len(use) == 1
    assert len(use[0]) > 60
    assert use[0].rstrip().endswith(f"={path}")
    assert not any("looking at files" in line for line in left_on_the_screen(shown))
