"""Tasks on two real workers: their order, their errors, how far ahead they are, and what happens when one dies."""

import contextlib
from math import sqrt

import pytest
from tests.clusters import at, die, kill_one_after_the_first_result, slow_square, two_workers

from hepad.cluster import cluster_workers, workers
from hepad.core.errors import JobError, UserError


@pytest.fixture(scope="module")
def cluster():
    with two_workers() as found:
        yield found


def test_results_come_in_the_order_of_the_tasks(cluster):
    with cluster_workers(at(cluster)) as found:
        assert list(found.in_order(slow_square, range(1, 12))) == [n**2 for n in range(1, 12)]


def test_no_more_tasks_are_taken_than_memory_is_for(cluster):
    taken = []

    def tasks():
        for number in range(1, 100):
            taken.append(number)
            yield number

    with cluster_workers(at(cluster)) as found, contextlib.closing(found.in_order(slow_square, tasks())) as results:
        for done in (1, 2, 3):
            next(results)
            assert done <= len(taken) <= done + 2 * 3


def test_an_error_of_a_task_is_raised_when_its_turn_has_come(cluster):
    with cluster_workers(at(cluster)) as found:
        results = found.in_order(sqrt, [4, 9, -1, 16])
        assert [next(results), next(results)] == [2, 3]
        with pytest.raises(ValueError, match="math domain error"):
            next(results)


def test_what_a_lost_worker_had_in_hand_is_done_again(cluster, monkeypatch):
    killed = kill_one_after_the_first_result(cluster, monkeypatch)
    with cluster_workers(at(cluster)) as found:
        assert list(found.in_order(slow_square, range(1, 20))) == [n**2 for n in range(1, 20)]
    assert killed


def test_a_task_that_ends_its_worker_ends_the_command_in_one_line(cluster, monkeypatch):
    monkeypatch.setattr(cluster.scheduler, "allowed_failures", 0)
    with cluster_workers(at(cluster)) as found, pytest.raises(JobError, match="has ended 1 worker") as raised:
        list(found.in_order(die, [0]))
    assert "\n" not in str(raised.value)


def test_a_worker_of_another_version_is_refused(cluster, monkeypatch):
    monkeypatch.setattr(workers, "_versions", lambda: {"hepad": "0.0.1"})
    with cluster_workers(at(cluster)) as found, pytest.raises(UserError, match=r"this command 0\.0\.1: start them in"):
        list(found.in_order(sqrt, [1]))


def test_a_scheduler_that_is_gone_ends_the_command_in_one_line(monkeypatch):
    monkeypatch.setattr(workers, "_ANSWER_SECONDS", 0.3)
    with two_workers() as mortal, cluster_workers(at(mortal)) as found:
        results = found.in_order(slow_square, range(1, 100))
        next(results)
        mortal.close()
        with pytest.raises(JobError, match=r"is gone; give the command again$"):
            list(results)
