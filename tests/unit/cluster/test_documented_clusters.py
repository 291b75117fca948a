"""Commands of docs/clusters.md: words that each command takes, and the head of a job as it stands there."""

import re
import shlex
from pathlib import Path

import pytest

from hepad.cluster import Cluster, Jobs
from hepad.cluster.jobs import job_cluster
from hepad.config import compose
from hepad.config.keys import check_config

PAGE = (Path(__file__).parents[3] / "docs/clusters.md").read_text(encoding="utf-8").replace("\\\n", " ")
COMMANDS = re.findall(r"-m hepad\.(\w+) (.*)", PAGE)


def test_every_command_is_found():
    assert {command for command, _ in COMMANDS} == {"score", "convert", "simulate", "train"}


@pytest.mark.parametrize(("command", "words"), COMMANDS)
def test_a_command_takes_these_words(command, words):
    check_config(compose(command, shlex.split(words)), command=command)


def test_the_head_of_a_job_is_what_the_command_above_it_asks_for():
    (words,) = (words for command, words in COMMANDS if "cluster=slurm" in words)
    jobs = compose("score", shlex.split(words)).jobs
    given = {key: list(value) if key in ("extra", "prologue") else value for key, value in jobs.items()}
    with job_cluster(Cluster("slurm", 32, Jobs(**given)), []) as cluster:
        script = cluster.job_script().splitlines()
    head = re.findall(r"^    (#SBATCH .*)$", PAGE, flags=re.MULTILINE)
    assert [line for line in script if line.startswith("#SBATCH")] == head
