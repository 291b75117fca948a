"""Requests and answers in JSON: what is read, what is refused in one line, and that no bit of a score is lost."""

import json
import time

import numpy as np
import pytest
from tests.served import described

from hepad.serving.batches import Refused
from hepad.serving.json_bodies import answer_model, read_json, request_model, write_json


def read(run, **given):
    return read_json(json.dumps(given).encode(), request_model(run), run)


def refusal(run, body: bytes) -> Refused:
    with pytest.raises(Refused) as refused:
        read_json(body, request_model(run), run)
    assert "\n" not in refused.value.reason
    return refused.value


@pytest.mark.parametrize("shape", [(3,), (2, 3), (4, 5), (2, 4, 5)])
def test_entries_are_those_that_were_sent(shape):
    run = described(shape, named=len(shape) < 3)
    entries = np.random.default_rng(0).normal(size=(6, *shape)).astype(np.float32)
    np.testing.assert_array_equal(read(run, entries=entries.astype(float).tolist()).entries, entries)


def test_columns_slots_and_context_are_given_beside_the_entries():
    run = described((2, 3), context=("m_jj",))
    found = read(
        run,
        entries=[[[1, 2, 3], [0, 0, 0]]],
        features=["mass", "pt", "eta"],
        mask=[[True, False]],
        context=[[3500]],
    )
    assert found.features == ["mass", "pt", "eta"]
    np.testing.assert_array_equal(found.mask, [[True, False]])
    np.testing.assert_array_equal(found.context, [[3500]])


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (b"", 422, "Invalid JSON"),
        (b"[1, 2]", 422, "object"),
        (b'{"entry": [[1, 2, 3]]}', 422, "entries: Field required"),
        (b'{"entries": [[1, 2, 3]], "more": 1}', 422, "more: Extra inputs are not permitted"),
        (b'{"entries": [[1, "2", 3]]}', 422, "entries.0.1: Input should be a valid number"),
        (b'{"entries": [[1, null, 3]]}', 422, "entries.0.1"),
        (b'{"entries": [[1, 2, 3], [1, 2]]}', 422, "unequal lengths"),
        (b'{"entries": []}', 422, "no entries"),
        (b'{"entries": ' + b"[" * 5000, 422, "Invalid JSON"),
        (b'{"entries": [[1, 2, 3]' + b", [1, 2, 3]" * 10 + b"]}", 413, "at most 10"),
        (b'{"entries": [[0' + b",0" * 200 + b"]]}", 413, "numbers; send at most 10 entries"),
        (b'{"entries": [[1, 2, 3]], "features": ["pt", 2, "mass"]}', 422, "features.1"),
    ],
)
def test_what_is_refused_is_told_in_one_line(body, status, told):
    found = refusal(described((3,), max_rows=10), body)
    assert found.status == status
    assert told in found.reason


def test_a_body_of_many_numbers_is_refused_before_anything_is_made_of_them():
    body = b'{"entries": [[' + b"1," * 5_000_000 + b"1]]}"
    began = time.process_time()
    assert refusal(described((3,)), body).status == 413
    # Reading them would take a second.
    assert time.process_time() - began < 0.3


def test_numbers_that_are_not_finite_go_on_to_where_they_are_refused():
    found = read_json(b'{"entries": [[NaN, 1e300, 0.1]]}', request_model(described((3,))), described((3,)))
    np.testing.assert_array_equal(found.entries, np.array([[np.nan, np.inf, 0.1]], dtype=np.float32))


def test_an_answer_keeps_every_bit_and_fits_its_schema():
    run = described((3,), thresholds={"1kHz": 2.0})
    score = np.random.default_rng(0).lognormal(sigma=20, size=1000).astype(np.float32)
    score[7] = np.nan
    plain = json.loads(write_json({"score": score, "p_value": score, "accepted_1kHz": score > 2}))
    assert plain["score"][7] is None
    back = np.array([np.nan if value is None else value for value in plain["score"]], dtype=np.float32)
    np.testing.assert_array_equal(back.view(np.uint32)[np.isfinite(back)], score.view(np.uint32)[np.isfinite(score)])
    assert plain["accepted_1kHz"] == (score > 2).tolist()
    answer_model(run).model_validate({name: plain[name] for name in run.columns})


def test_the_schema_names_features_with_their_units():
    schema = request_model(described((3,))).model_json_schema()
    assert "pt [GeV], eta, mass [GeV]" in schema["properties"]["entries"]["description"]
    assert schema["required"] == ["entries"]
    assert "default" not in schema["properties"]["mask"]
    assert "context" not in schema["properties"]
    assert "features" not in request_model(described((4, 5), named=False)).model_json_schema()["properties"]
