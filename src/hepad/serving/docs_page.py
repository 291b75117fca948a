"""`/docs`: how to ask, as one page that needs no network and runs no script."""

import json
from html import escape
from typing import Any, Final

from hepad.serving.description import Description

POLICY: Final = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'", "X-Frame-Options": "DENY"}

_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body{{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}}
td,th{{text-align:left;padding:.1em 1.5em .1em 0}}pre{{background:#f4f4f4;padding:1em;overflow-x:auto}}</style></head>
<body><h1>{title}</h1>
<p>{what} A score depends on the entry alone; higher is more anomalous.</p>
{features}
<h2>POST /score</h2>
<p>At most {rows:,} entries and {size:,} bytes in a request. The answer has {answers}, one for each entry, in the form
of the request, or as <code>Accept</code> asks.</p>
<pre>{curl}</pre>
<p>Or an Arrow IPC stream without compression (<code>Content-Type: application/vnd.apache.arrow.stream</code>) with
{arrow}.</p>
<h2>Request</h2><pre>{request}</pre>
<h2>Answer</h2><pre>{answer}</pre>
<p><code>GET /run</code> tells of the run, <code>GET /health</code> whether the server is there,
<code>GET /openapi.json</code> the same as this page to programs. Refused are, in one line <code>detail</code>:
entries of another shape or with other columns, NaN or infinite ones (422), too much (413), too many at a time
(503).</p>
</body></html>
"""


def docs_page(run: Description, request: dict[str, Any], answer: dict[str, Any], address: str, token: bool) -> str:
    """Return the page.

    Args:
        run: what is scored.
        request: JSON schema of a request.
        answer: JSON schema of an answer.
        address: of the server.
        token: whether requests bring one.
    """
    shape = " × ".join(map(str, run.shape))
    table, arrow = "", f"a column entries, lists of {shape} numbers"
    if run.features is not None and run.units is not None:
        named = zip(run.features, run.units, strict=True)
        rows = "".join(f"<tr><td>{escape(name)}</td><td>{unit}</td></tr>" for name, unit in named)
        table = f"<table><tr><th>Feature</th><th>Unit</th></tr>{rows}</table>"
        if len(run.shape) == 1:
            arrow = "a column of numbers for each feature, by name"
    secret = " -H 'Authorization: Bearer '$HEPAD_TOKEN" if token else ""
    body = f'{{"entries": [{_nested(run.shape)}, …]}}'
    curl = f"curl {address}/score{secret} -H 'Content-Type: application/json' -d '{body}'"
    return _PAGE.format(
        title=escape(f"hepad: {run.name}"),
        what=f"Entries of {shape}, a {run.structure} in raw units, scored by {escape(run.model)}.",
        features=table,
        rows=run.limits.max_rows,
        size=run.limits.max_bytes,
        answers=escape(", ".join(run.columns)),
        curl=escape(curl),
        arrow=arrow,
        request=escape(json.dumps(request, indent=1)),
        answer=escape(json.dumps(answer, indent=1)),
    )


def _nested(shape: tuple[int, ...]) -> str:
    """One entry, each of its lists cut short."""
    return f"[{'1.5' if len(shape) == 1 else _nested(shape[1:])}, …]"
