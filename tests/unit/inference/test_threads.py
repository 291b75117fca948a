"""Blocks side by side: in order, as one thread would, and nothing left behind."""

import threading

import pytest
import torch

from hepad.inference.blocks import in_threads


@pytest.fixture(autouse=True)
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_results_come_in_order_from_several_threads_of_one_core_each() -> None:
    meet = threading.Barrier(2, timeout=30)

    def task(number: int) -> tuple[int, int, str]:
        if number < 2:
            # Only two threads at once get past this.
            meet.wait()
        return number**2, torch.get_num_threads(), threading.current_thread().name

    found = list(in_threads(task, range(9), 2))
    assert [number for number, _ in found] == list(range(9))
    assert [square for _, (square, _, _) in found] == [number**2 for number in range(9)]
    assert {n_threads for _, (_, n_threads, _) in found} == {1}
    assert len({name for _, (_, _, name) in found}) == 2
    assert torch.get_num_threads() == 2


def test_what_a_task_raises_ends_all_and_gives_the_threads_back() -> None:
    begun = []

    def task(number: int) -> int:
        begun.append(number)
        if number == 3:
            raise ValueError("three")
        return number

    with pytest.raises(ValueError, match="three"):
        list(in_threads(task, range(1000), 2))
    assert len(begun) < 20
    assert torch.get_num_threads() == 2


def test_one_thread_is_the_callers_own() -> None:
    names = {name for _, name in in_threads(lambda _: threading.current_thread().name, range(3), 1)}
    assert names == {threading.current_thread().name}
