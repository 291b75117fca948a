"""search.json: what is written is read back, what is undefined is not written, and what is hostile is refused."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from tests.fake_searches import fake_search

from hepad.core.errors import UserError
from hepad.searches.record import Closure, CutResult, MethodResult, SearchRecord, Spectrum, Window, WindowResult
from hepad.searches.record_file import FILE, is_search, read_record, write_record

SMALL = {"n_windows": 2, "methods": ("cathode",), "efficiencies": (1.0, 0.01)}


def written(directory: Path, record: SearchRecord) -> dict[str, Any]:
    return json.loads(write_record(directory, record).read_text(), parse_constant=lambda word: pytest.fail(word))


@pytest.mark.parametrize("seed", range(3))
def test_what_is_written_is_read_back(tmp_path, seed):
    record = fake_search(seed, n_signal=200 * seed, null=seed % 2 == 0, unblinded=seed < 2, n_windows=2)
    assert not is_search(tmp_path)
    write_record(tmp_path, record)
    assert is_search(tmp_path)
    again = read_record(tmp_path)
    assert again == replace(record, settings=again.settings)
    assert json.dumps(again.settings) == json.dumps(record.settings)
    # Numbers of events are whole, also where a float could not hold them.
    assert all(isinstance(event, int) for event in again.methods[0].windows[0].found["event"])
    before = (tmp_path / FILE).read_bytes()
    write_record(tmp_path, again)
    assert (tmp_path / FILE).read_bytes() == before


def test_lists_and_arrays_are_written_as_tuples_are(tmp_path):
    record = fake_search(**SMALL)
    spectrum = record.methods[0].windows[0].cuts[0].spectrum
    arrays = replace(
        spectrum, edges=np.array(spectrum.edges), counts=list(np.array(spectrum.counts)), ndf=np.int64(spectrum.ndf)
    )
    cuts = [replace(record.methods[0].windows[0].cuts[0], spectrum=arrays), *record.methods[0].windows[0].cuts[1:]]
    windows = [replace(record.methods[0].windows[0], cuts=cuts), *record.methods[0].windows[1:]]
    write_record(tmp_path, replace(record, methods=[replace(record.methods[0], windows=windows)]))
    assert replace(read_record(tmp_path), settings=record.settings) == record


def test_undefined_numbers_are_null_or_left_out(tmp_path):
    cut = CutResult(0.1, 20, z=math.nan, p=np.float64("nan"), limits={"observed": math.inf, "median": 3.0})
    record = SearchRecord(
        "m",
        "",
        ("a",),
        (Window("w0", 0, 1, ()),),
        (MethodResult("cwola", (WindowResult("w0", (cut,)),)),),
        {"data": {"entries": 3, "fraction": math.nan}},
        notes=("two\nlines \x1b[31mred",),
        settings={"a": math.inf, "b": [math.nan, 1], "c": Path("x")},
    )
    content = written(tmp_path, record)
    found = read_record(tmp_path)
    assert found.methods[0].windows[0].cuts[0] == replace(cut, z=None, p=None, limits={"median": 3.0})
    assert found.samples == {"data": {"entries": 3, "fraction": None}}
    assert found.settings == {"a": None, "b": [None, 1], "c": "x"}
    assert content["notes"] == ["two lines  [31mred"]


@pytest.mark.parametrize(
    ("broken", "where"),
    [
        (Closure(math.nan, 0.1, 0.5, 0.1, "side bands"), "methods.0.windows.0.closure.auc"),
        (Closure(0.5, math.inf, 0.5, 0.1, "side bands"), "methods.0.windows.0.closure.error"),
        (Closure(1.5, 0.1, 0.5, 0.1, "side bands"), "closure.auc=1.5"),
    ],
)
def test_a_number_that_must_be_known_is_asked_for(tmp_path, broken, where):
    result = WindowResult("w0", (), closure=broken)
    record = SearchRecord("m", "", (), (Window("w0", 0, 1, ()),), (MethodResult("cwola", (result,)),))
    with pytest.raises(ValueError, match=where):
        write_record(tmp_path, record)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.pop("format"), "format"),
        (lambda c: c.update(format=2), "reads format 1"),
        (lambda c: c.pop("windows"), "has no windows"),
        (lambda c: c["windows"].append(c["windows"][0]), "window w0 stands there twice"),
        (lambda c: c["windows"][0].update(low=9e9), "ends that do not rise"),
        (lambda c: c["methods"][0]["windows"][0].update(window="w99"), "w99 is not among"),
        (lambda c: c["methods"][0]["windows"][0]["cuts"][0].update(p=1.5), "p=1.5"),
        (lambda c: c["methods"][0]["windows"][0]["cuts"][0].update(efficiency=0), "above 0"),
        (lambda c: c["methods"][0]["windows"][0]["cuts"][0]["limits"].update(best=1.0), "limits.best"),
        (lambda c: c["methods"][0]["windows"][0]["cuts"][0]["spectrum"]["edges"].pop(), "bins has 30 edges"),
        (lambda c: c["methods"][0]["windows"][0]["cuts"][0]["spectrum"]["expected"].pop(), "29 expected"),
        (lambda c: c["methods"][0]["windows"][0]["found"]["row"].pop(), "columns of found"),
        (lambda c: c["methods"][0]["null"].update(null=c["methods"][0]["null"].copy()), "has a null twin"),
        (lambda c: c["methods"][0].update(method="a\x1b[2J"), "characters that no text has"),
        (lambda c: c["notes"].append("\u202etxt.exe"), "characters that no text has"),
        (lambda c: c.update(unblinded=1), "true or false"),
        (lambda c: c.update(null_kind="other"), "null_kind"),
        (lambda c: c["settings"].update(a=math.nan), "a number is needed"),
        (lambda c: c["methods"][0].update(p_global="<b>0</b>"), "a number is needed"),
        (lambda c: c["methods"][0].update(toys=-1), "toys=-1"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(tmp_path, change, said):
    content = written(tmp_path, fake_search(**SMALL))
    change(content)
    (tmp_path / FILE).write_text(json.dumps(content))
    with pytest.raises(UserError, match=re.escape(FILE)) as refused:
        read_record(tmp_path)
    assert said in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize("content", ["", "[]", '{"format": 1, "format": 1}', '{"format": ' + "[" * 3000, "{]", "\xff"])
def test_what_is_no_record_is_refused(tmp_path, content):
    (tmp_path / FILE).write_text(content, encoding="latin-1")
    with pytest.raises(UserError, match=re.escape(FILE)):
        read_record(tmp_path)


def test_a_link_a_pipe_or_nothing_is_refused(tmp_path):
    with pytest.raises(UserError, match="no file"):
        read_record(tmp_path)
    (tmp_path / FILE).mkdir()
    with pytest.raises(UserError, match="directory"):
        read_record(tmp_path)
    assert not is_search(tmp_path)


def test_any_damage_is_refused_or_still_a_record(tmp_path):
    """Junk in any place: what comes is a record of the right types, or one line."""
    small = written(tmp_path, fake_search(**SMALL, null=False))
    for window in small["methods"][0]["windows"]:
        window["template_features"] = {name: values[:2] for name, values in window["template_features"].items()}
        window["found"] = {name: values[:2] for name, values in window["found"].items()}
    content = json.dumps(small)
    rng = np.random.default_rng(0)
    junk = (None, True, -1, 10**30, 1e308, "", "x" * 20_000, [], {}, [[]], {"": 0}, {"a": {"b": [1]}}, [1, None])
    refusals = []
    for _ in range(90):
        broken = json.loads(content)
        for _ in range(rng.integers(1, 3)):
            _damage(broken, rng, junk)
        (tmp_path / FILE).write_text(json.dumps(broken))
        try:
            record = read_record(tmp_path)
        except UserError as error:
            refusals.append(str(error))
        else:
            assert_is(record, SearchRecord)
    assert 5 < len(refusals) < 85
    assert all(len(line.splitlines()) == 1 and len(line) < 1_000 for line in refusals)


def _damage(root: Any, rng: np.random.Generator, junk: Sequence[Any]) -> None:
    """Put one piece of junk somewhere below, or take something away."""
    while isinstance(root, dict | list) and root:
        key = rng.choice(sorted(root)) if isinstance(root, dict) else int(rng.integers(len(root)))
        if not isinstance(root[key], dict | list) or not root[key] or rng.random() < 0.15:
            if rng.random() < 0.2:
                del root[key]
            else:
                root[key] = junk[rng.integers(len(junk))]
            return
        root = root[key]


def assert_is(value: Any, kind: Any) -> None:
    """Walk through a value by the types that its class declares, without the reader's own code."""
    if get_origin(kind) in (UnionType,) or NoneType in get_args(kind):
        others = [of for of in get_args(kind) if of is not NoneType]
        if value is not None and len(others) == 1:
            assert_is(value, others[0])
        return
    if is_dataclass(kind):
        assert type(value) is kind
        hints = get_type_hints(kind)
        for part in fields(kind):
            assert_is(getattr(value, part.name), hints[part.name])
    elif get_origin(kind) is Mapping:
        assert all(isinstance(key, str) for key in value)
        for part in value.values():
            assert_is(part, get_args(kind)[1])
    elif get_origin(kind) in (Sequence, tuple):
        assert isinstance(value, tuple)
        for part in value:
            assert_is(part, get_args(kind)[0])
    elif kind is float:
        assert isinstance(value, int | float)
        assert math.isfinite(value)
    elif kind is not object:
        assert isinstance(value, kind)


def test_a_spectrum_without_a_fit_and_without_a_failure_is_a_record(tmp_path):
    cut = CutResult(1.0, 5, spectrum=Spectrum((0.0, 1.0), (5,)))
    record = SearchRecord("m", "", (), (Window("w", 0, 1, ()),), (MethodResult("a", (WindowResult("w", (cut,)),)),))
    write_record(tmp_path, record)
    assert read_record(tmp_path) == record
