"""Run tutorials and keep what they show: `python -m scripts.tutorials [NAME …]`."""

import argparse
import base64
import io
import json
import os
import re
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient
from PIL import Image
from scripts.tutorials.notebooks import NAMES, OUTPUTS, PICTURES, TUTORIALS, cells_of

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_IMAGE = re.compile(r'<img src="data:image/png;base64,[^"]*"[^>]*>')


def run_tutorial(name: str) -> None:
    """Run one tutorial in an empty directory and write what its cells showed.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed.
    """
    text = (TUTORIALS / f"{name}.md").read_text(encoding="utf-8")
    notebook = jupytext.reads(text, fmt="md")
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    cells = cells_of(text)
    assert len(code) == len(cells), "jupytext finds other cells"
    with tempfile.TemporaryDirectory() as directory:
        # No account, no network, and the commands of this environment.
        os.environ |= {
            "WANDB_MODE": "offline",
            "HEPAD_CACHE": f"{directory}/.cache",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }
        NotebookClient(notebook, timeout=1800, resources={"metadata": {"path": directory}}).execute()
        place = str(Path(directory).resolve())
    found = []
    for n, (cell, source) in enumerate(zip(code, cells, strict=True)):
        kept = (_kept(output, source.code, f"{name}_{n + 1}", place) for output in _joined(cell.outputs))
        shown = [output for output in kept if output is not None]
        found.append({"code": source.code, "shown": shown})
    OUTPUTS.mkdir(exist_ok=True)
    record = json.dumps({"cells": found}, indent=1, ensure_ascii=False)
    (OUTPUTS / f"{name}.json").write_text(f"{record}\n", encoding="utf-8")


def _joined(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Return outputs with what was printed piece by piece as one; what stderr says is for whoever runs it."""
    found: list[nbformat.NotebookNode] = []
    for output in outputs:
        if output.output_type == "stream" and output.name == "stderr":
            continue
        if output.output_type == "stream" and found and found[-1].output_type == "stream":
            found[-1].text += output.text
        else:
            found.append(output)
    return found


def _kept(output: nbformat.NotebookNode, code: str, name: str, place: str) -> dict[str, Any] | None:
    if output.output_type == "stream":
        return _text(output.text, place)
    data = output.data
    if "image/png" in data:
        PICTURES.mkdir(parents=True, exist_ok=True)
        # As a palette a picture takes a third of the bytes; this one keeps the colours of thin lines.
        picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).convert("RGB")
        few = picture.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        few.save(PICTURES / f"{name}.png", optimize=True)
        last = code.strip().splitlines()[-1].partition("  #")[0].strip()
        return {"kind": "picture", "file": f"{name}.png", "alt": last.replace("[", "(").replace("]", ")")}
    if "text/html" in data:
        # The curves of a run's card are the picture of `run.plot("roc")`.
        return {"kind": "html", "html": _IMAGE.sub("", data["text/html"]).replace(f"{place}/", "")}
    return _text(data["text/plain"], place)


def _text(text: str, place: str) -> dict[str, str] | None:
    lines = _CONTROL.sub("", text).replace(f"{place}/", "").splitlines()
    plain = "\n".join(line.split("\r")[-1].rstrip() for line in lines)
    return {"kind": "text", "text": plain.strip("\n")} if plain.strip() else None


def main() -> None:
    """Run the tutorials that are named, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    names = parser.parse_args().names
    if unknown := sorted(set(names) - set(NAMES)):
        parser.error(f"no tutorial {unknown[0]!r}; there are {', '.join(NAMES)}")
    begun = time.monotonic()
    for name in names or NAMES:
        start, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        run_tutorial(name)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(f"{name}: {time.monotonic() - start:.0f} s, {cpu:.0f} s of CPU", flush=True)
    print(f"all: {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
