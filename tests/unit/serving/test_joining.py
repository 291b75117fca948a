"""Requests that are scored together: each client has its own rows, its own mistakes, and the bits that it has alone."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
from tests.served import described

from hepad.core.errors import UserError
from hepad.serving.application import application
from hepad.serving.batches import GivenBatch, batch_scorer
from hepad.serving.joining import Asked, Joined, score_together


def sums(batch: GivenBatch) -> dict[str, np.ndarray]:
    if not np.isfinite(batch.entries).all():
        raise UserError(f"{int(np.isnan(batch.entries).any(axis=1).sum())} of {len(batch.entries)} entries hold NaN")
    return {"score": batch.entries.sum(axis=1), "first": batch.entries[:, 0] > 1}


def test_under_load_each_client_has_its_own_rows():
    """Requests of many sizes at once, among them some that are wrong, joined while threads are busy."""
    passes = []

    def slow(batch: GivenBatch) -> dict[str, np.ndarray]:
        passes.append(len(batch.entries))
        threading.Event().wait(0.002)
        return sums(batch)

    app = application(described(max_requests=300), slow, ThreadPoolExecutor(2), n_threads=2)
    rng = np.random.default_rng(0)
    sent = [rng.normal(size=(rng.integers(1, 30), 3)).astype(np.float32).astype(float) for _ in range(200)]
    for i in range(0, 200, 20):
        sent[i][0, 0] = np.nan

    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            bodies = [str({"entries": rows.tolist()}).replace("'", '"').replace("nan", "NaN") for rows in sent]
            headers = {"Content-Type": "application/json"}
            return await asyncio.gather(*(client.post("/score", content=body, headers=headers) for body in bodies))

    for i, (rows, answer) in enumerate(zip(sent, asyncio.run(ask()), strict=True)):
        if i % 20 == 0:
            assert (answer.status_code, answer.json()) == (422, {"detail": f"1 of {len(rows)} entries hold NaN"})
            continue
        np.testing.assert_allclose(answer.json()["score"], rows.sum(axis=1), atol=1e-5)
        assert answer.json()["first"] == (rows[:, 0] > 1).tolist()
    # Without the pass after pass that tells whose NaN it was.
    assert max(passes) > 60


def test_what_has_one_form_is_one_pass_and_other_forms_are_their_own():
    asked: list[int] = []

    def counted(batch: GivenBatch) -> dict[str, np.ndarray]:
        asked.append(len(batch.entries))
        weight = 1 if batch.mask is None else np.asarray(batch.mask)
        return {"score": batch.entries.sum(axis=1) * weight}

    ones = np.ones((2, 3), dtype=np.float32)
    batches = [
        GivenBatch(ones),
        GivenBatch(ones, ["a", "b", "c"]),
        GivenBatch(2 * ones),
        GivenBatch(ones, mask=np.array([True, False])),
        GivenBatch(ones[:, :2]),
        GivenBatch(3 * ones[:1], mask=np.array([True])),
        # Of another length than the entries: its own mistake.
        GivenBatch(ones, mask=np.array([True])),
    ]
    found = [each["score"].tolist() for each in score_together(counted, batches)]
    assert found == [[3, 3], [3, 3], [6, 6], [3, 0], [2, 2], [9], [3, 3]]
    assert asked == [4, 2, 3, 2, 2]


def test_large_requests_go_to_threads_of_their_own_and_nobody_waits_for_others_to_come():
    taken: list[list[int]] = []
    go_on = threading.Event()

    def work(requests: list[Asked]) -> list[bytes]:
        taken.append([len(asked.body) for asked in requests])
        go_on.wait(5)
        return [asked.body[:1] for asked in requests]

    async def ask() -> list[bytes]:
        joined = Joined(work, ThreadPoolExecutor(2), 2)
        tasks = [asyncio.create_task(joined.answer(Asked(b"a", "", "")))]
        await asyncio.sleep(0.02)
        # A free thread takes one alone, at once.
        assert taken == [[1]]
        bodies = [b"b" * 200_000, b"c" * 200_000, b"d", b"e"]
        tasks += [asyncio.create_task(joined.answer(Asked(body, "", ""))) for body in bodies]
        await asyncio.sleep(0.02)
        go_on.set()
        return await asyncio.gather(*tasks)

    assert asyncio.run(ask()) == [b"a", b"b", b"c", b"d", b"e"]
    assert sorted(map(tuple, taken)) == [(1,), (1, 1), (200_000,), (200_000,)]


def test_what_breaks_in_a_thread_is_told_to_all_who_waited_and_others_go_on():
    def work(requests: list[Asked]) -> list[bytes]:
        if any(asked.body == b"x" for asked in requests):
            raise RuntimeError("broken")
        return [asked.body for asked in requests]

    async def ask() -> tuple[object, bytes]:
        joined = Joined(work, ThreadPoolExecutor(1), 1)
        broken = await asyncio.gather(joined.answer(Asked(b"x", "", "")), return_exceptions=True)
        return broken[0], await joined.answer(Asked(b"y", "", ""))

    broken, after = asyncio.run(ask())
    assert isinstance(broken, RuntimeError)
    assert after == b"y"


class Counting:
    """A run that tells how many entries it was asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def score(self, entries: np.ndarray, *_: object) -> np.ndarray:
        self.asked.append(len(entries))
        return sums(GivenBatch(entries))["score"]


class NothingBeside:
    def columns(self, score: np.ndarray) -> dict[str, np.ndarray]:
        return {}


def test_few_entries_are_filled_up_and_mistakes_count_those_that_were_sent():
    run = Counting()
    score = batch_scorer(run, NothingBeside(), "cpu")
    entries = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert score(GivenBatch(entries))["score"].tolist() == [3, 12]
    assert run.asked == [16]
    entries[1, 0] = np.nan
    with pytest.raises(UserError, match="1 of 2 entries"):
        score(GivenBatch(entries))
