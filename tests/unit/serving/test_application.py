"""The routes and their guards: one line for what is refused, nothing kept of what is too large, health meanwhile."""

import asyncio
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pyarrow as pa
import pytest
from tests.served import Client, arrow_stream, described

from hepad.core.errors import UserError
from hepad.serving.application import application
from hepad.serving.arrow_bodies import MEDIA as ARROW

ENTRIES = {"entries": [[1.0, 2.0, 3.0]]}


def sums(batch):
    return {"score": batch.entries.sum(axis=1)}


def client(score=sums, token=None, **given) -> Client:
    return Client(application(described(**given), score, ThreadPoolExecutor(2), token))


def one_line(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["detail"]
    assert "\n" not in answer.json()["detail"]
    return answer.json()["detail"]


def test_scores_come_back_in_the_form_of_the_request_or_as_asked():
    asked = client()
    assert asked.post("/score", json=ENTRIES).json() == {"score": [6.0]}
    body = arrow_stream(pa.table({"pt": [1.0], "eta": [2.0], "mass": [3.0]}))
    found = asked.post("/score", content=body, headers={"Content-Type": ARROW})
    assert found.headers["content-type"] == ARROW
    assert pa.ipc.open_stream(found.content).read_all().to_pydict() == {"score": [6.0]}
    found = asked.post("/score", json=ENTRIES, headers={"Accept": ARROW})
    assert pa.ipc.open_stream(found.content).read_all().to_pydict() == {"score": [6.0]}


def test_a_user_s_mistakes_are_told_in_one_line():
    def refuse(batch):
        raise UserError("1 of 1 entries\nhold NaN or inf")

    assert one_line(client(refuse).post("/score", json=ENTRIES), 422) == "1 of 1 entries hold NaN or inf"
    asked = client()
    assert "image/png" in one_line(asked.post("/score", content=b"", headers={"Content-Type": "image/png"}), 415)
    assert "compressed" in one_line(asked.post("/score", content=b"", headers={"Content-Encoding": "gzip"}), 415)
    assert "POST /score" in one_line(asked.get("/scores"), 404)
    assert "POST /score" in one_line(asked.get("/score"), 405)


def test_a_request_of_a_billion_rows_costs_no_memory():
    asked = client(max_bytes=1000)
    n_sent = 0

    def parts():
        nonlocal n_sent
        yield b'{"entries": ['
        for _ in range(10**9):
            n_sent += 1
            yield b"[1,2,3],"

    body = asked.app
    tracemalloc.start()
    assert "1,000 bytes" in one_line(_streamed(body, parts), 413)
    # Of what was announced nothing is read.
    declared = {"Content-Length": str(8 * 10**9), "Content-Type": "application/json"}
    assert "1,000 bytes" in one_line(_streamed(body, parts, declared), 413)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert n_sent < 200
    assert most < 3e6


def _streamed(app, parts, headers=None) -> httpx.Response:
    """Send a body part by part, asked for as the application reads it, and none of it beforehand."""
    sent = []
    body = parts()

    async def receive():
        return {"type": "http.request", "body": next(body), "more_body": True}

    async def send(message):
        sent.append(message)

    plain = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    scope = {
        "type": "http", "method": "POST", "path": "/score", "raw_path": b"/score", "query_string": b"",
        "headers": plain, "http_version": "1.1", "scheme": "http", "server": ("127.0.0.1", 80), "root_path": "",
        "client": ("127.0.0.1", 1),
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))
    assert (b"connection", b"close") in sent[0]["headers"]
    return httpx.Response(sent[0]["status"], content=sent[1]["body"])


def test_a_body_that_does_not_arrive_is_not_waited_for():
    async def never():
        return await asyncio.sleep(60)

    async def ask():
        sent = []

        async def send(message):
            sent.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/score",
            "query_string": b"",
            "headers": [],
            "root_path": "",
        }
        await application(described(timeout=0.05), sums, ThreadPoolExecutor(1))(scope, never, send)
        return sent[0]["status"]

    assert asyncio.run(ask()) == 408


def test_health_answers_while_others_are_scored_and_more_are_told_to_come_back():
    go_on = threading.Event()

    def slow(batch):
        go_on.wait(10)
        return sums(batch)

    app = application(described(max_requests=2), slow, ThreadPoolExecutor(2))

    async def ask():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as asked:
            waiting = [asyncio.create_task(asked.post("/score", json=ENTRIES)) for _ in range(2)]
            await asyncio.sleep(0.05)
            health, third = await asked.get("/health"), await asked.post("/score", json=ENTRIES)
            go_on.set()
            scored = [await task for task in waiting]
            again = await asked.post("/score", json=ENTRIES)
        return health, third, scored, again

    health, third, scored, again = asyncio.run(ask())
    assert health.json() == {"status": "ok"}
    assert "2 requests at a time" in one_line(third, 503)
    assert [answer.json() for answer in [*scored, again]] == [{"score": [6.0]}] * 3


def test_a_place_is_free_again_whatever_became_of_the_request():
    asked = client(max_requests=1)
    for _ in range(3):
        one_line(asked.post("/score", json={"entries": []}), 422)
    assert asked.post("/score", json=ENTRIES).status_code == 200


def test_a_token_is_asked_for_everywhere_but_for_health():
    asked = client(token="s3cret")
    for answer in (
        asked.get("/run"),
        asked.get("/docs"),
        asked.get("/openapi.json"),
        asked.post("/score", json=ENTRIES),
    ):
        assert "Bearer" in one_line(answer, 401)
    assert asked.get("/health").status_code == 200
    for wrong in ("Bearer s3cre", "Bearer s3crets", "Bearer", "s3cret", "Basic s3cret", "Basic !"):
        one_line(asked.get("/run", headers={"Authorization": wrong}), 401)
    right = {"Authorization": "Bearer s3cret"}
    assert asked.post("/score", json=ENTRIES, headers=right).json() == {"score": [6.0]}
    # As a browser sends it.
    assert asked.get("/docs", auth=("me", "s3cret")).status_code == 200
    assert "HEPAD_TOKEN" in asked.get("/docs", headers=right).text
    assert "s3cret" not in asked.get("/docs", headers=right).text


def test_docs_and_openapi_tell_the_schema_of_the_run():
    asked = client(thresholds={"1kHz": 2.5})
    page = asked.get("/docs").text
    for told in ("<td>pt</td><td>GeV</td>", "accepted_1kHz", "curl http://testserver/score", "[[1.5, …], …]"):
        assert told in page
    assert "<script" not in page
    schema = asked.get("/openapi.json").json()["paths"]["/score"]["post"]["requestBody"]["content"]
    assert schema["application/json"]["schema"]["properties"]["entries"]["items"]["items"] == {"type": "number"}
    info = asked.get("/run").json()
    assert info["thresholds"] == {"1kHz": 2.5}
    assert dict(zip(info["features"], info["units"], strict=True)) == {"pt": "GeV", "eta": "", "mass": "GeV"}


def test_names_from_a_stranger_s_run_are_no_markup():
    run = described()
    object.__setattr__(run, "features", ("<script>alert(1)</script>", "eta", "mass"))
    page = Client(application(run, sums, ThreadPoolExecutor(1))).get("/docs")
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


@pytest.mark.parametrize("n", [1, 999])
def test_scores_are_those_of_the_rows_in_order(n):
    entries = np.random.default_rng(0).integers(0, 9, size=(n, 3)).astype(float)
    assert client().post("/score", json={"entries": entries.tolist()}).json()["score"] == entries.sum(axis=1).tolist()
