"""The routes of a server: `/score`, `/run`, `/health`, `/docs`."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException

from hepad import __version__
from hepad.core.errors import UserError
from hepad.serving import arrow_bodies, json_bodies
from hepad.serving.batches import Columns, GivenBatch, Refused
from hepad.serving.description import Description
from hepad.serving.docs_page import POLICY, docs_page
from hepad.serving.guards import Places, TokenGuard, read_body
from hepad.serving.joining import Answer, Asked, Joined, score_together


def application(
    run: Description,
    score: Callable[[GivenBatch], Columns],
    pool: Executor,
    token: str | None = None,
    n_threads: int = 1,
) -> FastAPI:
    """Return the application of one run.

    Bodies are read by the event loop, which answers `/health` and refusals meanwhile; whatever takes longer is done by
    the pool.

    Args:
        run: what is scored.
        score: makes the columns of an answer.
        pool: where requests are read, scored and written.
        token: that requests must bring; None for none.
        n_threads: of the pool.
    """
    request, answer = json_bodies.request_model(run), json_bodies.answer_model(run)
    schemas = request.model_json_schema(), answer.model_json_schema()
    places = Places(run.limits.max_requests)

    def read(asked: Asked) -> GivenBatch | Refused:
        try:
            if asked.media == arrow_bodies.MEDIA:
                return arrow_bodies.read_arrow(asked.body, run)
            return json_bodies.read_json(asked.body, request, run)
        except Refused as error:
            return error

    def written(found: Columns | UserError, wanted: str) -> bytes | Refused:
        if isinstance(found, UserError):
            return Refused(422, " ".join(str(found).split()))
        return arrow_bodies.write_arrow(found) if wanted == arrow_bodies.MEDIA else json_bodies.write_json(found)

    def work(requests: Sequence[Asked]) -> list[Answer]:
        given = [read(asked) for asked in requests]
        scored = iter(score_together(score, [batch for batch in given if isinstance(batch, GivenBatch)]))
        return [
            batch if isinstance(batch, Refused) else written(next(scored), asked.wanted)
            for batch, asked in zip(given, requests, strict=True)
        ]

    joined = Joined(work, pool, n_threads)
    app = FastAPI(title=f"hepad: {run.name}", version=__version__, docs_url=None, redoc_url=None)
    body = {
        "required": True,
        "content": {
            json_bodies.MEDIA: {"schema": schemas[0]},
            arrow_bodies.MEDIA: {"schema": {"type": "string", "format": "binary"}},
        },
    }
    answers: dict[int | str, dict[str, Any]] = {
        200: {"content": {json_bodies.MEDIA: {"schema": schemas[1]}, arrow_bodies.MEDIA: {}}},
        **{status: {"description": "One line: `detail`."} for status in (401, 408, 413, 415, 422, 503)},
    }

    @app.post("/score", openapi_extra={"requestBody": body}, responses=answers)
    async def score_entries(asked: Request) -> Response:
        """Score a batch of entries."""
        media = _media(asked)
        wanted = _wanted(asked, media)
        async with places.one():
            body = await read_body(asked, run.limits)
            return Response(await joined.answer(Asked(body, media, wanted)), media_type=wanted)

    @app.get("/run")
    async def run_info() -> dict[str, Any]:
        """Tell what the run scores."""
        return run.plain()

    @app.get("/health")
    async def health() -> dict[str, str]:
        """Tell that the server is there."""
        return {"status": "ok"}

    @app.get("/docs", include_in_schema=False)
    async def docs(asked: Request) -> HTMLResponse:
        """Show how to ask."""
        address = str(asked.base_url).rstrip("/")
        return HTMLResponse(docs_page(run, *schemas, address, token is not None), headers=POLICY)

    @app.exception_handler(Refused)
    async def refused(asked: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Refused)
        # What may be left of a body is not read.
        headers = {"Connection": "close"} if error.status in (408, 413, 415, 503) else {}
        return JSONResponse({"detail": error.reason}, error.status, headers)

    @app.exception_handler(HTTPException)
    async def unknown(asked: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        told = f"{asked.method} {asked.url.path[:80]}: allowed are POST /score, GET /run, /health, /docs, /openapi.json"
        return JSONResponse({"detail": told}, error.status_code, error.headers)

    if token is not None:
        app.add_middleware(TokenGuard, token=token)
    return app


def _media(asked: Request) -> str:
    """Return in which form the entries come."""
    given = asked.headers.get("content-type", json_bodies.MEDIA).partition(";")[0].strip().lower()
    if given not in (json_bodies.MEDIA, arrow_bodies.MEDIA):
        raise Refused(415, f"Content-Type {given[:80]}; allowed: {json_bodies.MEDIA}, {arrow_bodies.MEDIA}")
    return given


def _wanted(asked: Request, media: str) -> str:
    """Return in which form the answer is wanted: that of the request, where the client does not mind."""
    accepted = asked.headers.get("accept", "")
    named = [form for form in (json_bodies.MEDIA, arrow_bodies.MEDIA) if form in accepted]
    return media if not named or media in named else named[0]
