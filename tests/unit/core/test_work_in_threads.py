"""Reading ahead, computing in order, and hashing beside it: nothing is lost, and nobody is left waiting."""

import hashlib
import itertools
import os
import threading
import time
from contextlib import closing

import pytest

from hepad.core import threads
from hepad.core.threads import FileHash, in_order, read_ahead, usable_cores


def n_helpers() -> int:
    return sum(thread.name == "read_ahead" for thread in threading.enumerate())


def test_no_more_is_read_ahead_than_asked_for():
    made = []
    items = read_ahead((made.append(i) or i for i in itertools.count()), n=2)
    with closing(items):
        assert [next(items) for _ in range(3)] == [0, 1, 2]
        time.sleep(0.05)
        # Two wait, and one more is in the thread's hand.
        assert len(made) <= 3 + 2 + 1
    assert n_helpers() == 0


def test_what_the_thread_raises_is_raised_after_what_came_before_it():
    def items():
        yield 1
        raise ValueError("damaged")

    found = read_ahead(items())
    assert next(found) == 1
    with pytest.raises(ValueError, match="damaged"):
        next(found)
    assert n_helpers() == 0


def test_results_come_in_the_order_of_the_tasks_and_tasks_are_taken_as_needed():
    taken = []

    def tasks():
        for i in itertools.count():
            taken.append(i)
            yield i

    def slow_first(i):
        time.sleep(0.02 if i == 0 else 0)
        return i * i

    found = in_order(slow_first, tasks(), n_threads=2)
    with closing(found):
        assert list(itertools.islice(found, 5)) == [(i, i * i) for i in range(5)]
        assert len(taken) <= 5 + 2 + 2


def test_an_error_in_a_task_comes_at_its_place():
    def fail_at_two(i):
        if i == 2:
            raise ValueError("two")
        return i

    found = in_order(fail_at_two, range(10), n_threads=3)
    assert [next(found)[1] for _ in range(2)] == [0, 1]
    with pytest.raises(ValueError, match="two"):
        next(found)


def test_a_hash_is_that_of_the_bytes_however_slow_the_reader(tmp_path, monkeypatch):
    monkeypatch.setattr(threads, "_BLOCK", 100)
    monkeypatch.setattr(threads, "_AHEAD", 300)
    path = tmp_path / "file"
    path.write_bytes(bytes(range(250)) * 20)
    with FileHash(path) as digest:
        time.sleep(0.02)
        assert digest._n_read <= 300 + 100
        digest.follow(0.5)
        time.sleep(0.02)
        assert digest._n_read <= 2500 + 300 + 100
        assert digest.result() == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_hash_that_nobody_waits_for_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(threads, "_BLOCK", 100)
    monkeypatch.setattr(threads, "_AHEAD", 300)
    path = tmp_path / "file"
    path.write_bytes(bytes(5000))
    before = threading.active_count()
    with FileHash(path):
        pass
    assert threading.active_count() == before


def test_usable_cores_are_those_that_the_process_may_run_on():
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(mine)})
    try:
        assert usable_cores() == 1
    finally:
        os.sched_setaffinity(0, mine)
    assert usable_cores() == len(mine)


@pytest.mark.parametrize(
    ("of_process", "of_machine", "expected"), [(lambda: 3, lambda: 8, 3), (None, lambda: 8, 8), (None, lambda: None, 1)]
)
def test_usable_cores_where_a_system_has_no_affinity(monkeypatch, of_process, of_machine, expected):
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.delattr(os, "process_cpu_count", raising=False)
    if of_process:
        monkeypatch.setattr(os, "process_cpu_count", of_process, raising=False)
    monkeypatch.setattr(os, "cpu_count", of_machine)
    assert usable_cores() == expected
