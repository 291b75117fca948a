"""The JSON schema of a command's config: it takes and refuses what `check_config` does."""

import json
import math
import os
import subprocess
import sys

import pytest
from jsonschema import Draft202012Validator
from omegaconf import OmegaConf
from tests.runs.conftest import call
from tests.unit.config.keys.test_check_config import FITTING, REFUSED, changed

from hepad import schema, train
from hepad.config import compose, config_dir
from hepad.config.comments import comments_of, groups_of, keys_of
from hepad.config.json_schema import DRAFT, config_schema
from hepad.config.keys import COMMAND_KEYS
from hepad.schema import schema_text

NOT_FOR_JSON = {
    ("optimizer.lr", "nan"): "JSON has no NaN",
    ("model.hidden", str([65536] * 60)): "the memory of a machine is no part of a schema",
    ("seed", "${oc.env:HOME}"): "a reference is right where a user writes a config, and wrong in that of a run",
}


@pytest.fixture(scope="module")
def validator():
    return Draft202012Validator(config_schema("train"))


@pytest.fixture(scope="module")
def stored():
    cfg = compose("train", ["paths.run=run", "inference=latent_search"])
    return OmegaConf.to_container(cfg, resolve=True)


def test_schemas_are_schemas():
    for command in COMMAND_KEYS:
        found = config_schema(command)
        assert found["$schema"] == DRAFT
        Draft202012Validator.check_schema(found)


@pytest.mark.parametrize("command", sorted(COMMAND_KEYS))
def test_the_shipped_file_is_what_the_command_prints(command, tmp_path):
    done = call(schema.main, tmp_path, command)
    assert done.code == 0
    shipped = config_dir() / "schema" / f"{command}.json"
    assert shipped.read_text(encoding="utf-8") == done.out, "write the schemas anew: make schema"


@pytest.mark.parametrize("command", sorted(COMMAND_KEYS))
def test_the_config_of_every_command_fits(command):
    Draft202012Validator(config_schema(command)).validate(OmegaConf.to_container(compose(command), resolve=False))


@pytest.mark.parametrize("command", sorted(COMMAND_KEYS))
def test_every_row_of_a_command_without_groups_is_a_key_of_its_yaml(command):
    text = (config_dir() / f"{command}.yaml").read_text(encoding="utf-8")
    rows = {key for key in COMMAND_KEYS[command] if not key.startswith("hydra.")}
    has_groups = bool(groups_of(text, [config_dir()]))
    assert has_groups is (command in ("train", "evaluate", "generator_card", "search"))
    assert has_groups or rows == {key for key in leaf_keys(text) if key.split(".")[0] not in ("hydra", "defaults")}


def leaf_keys(text):
    keys = keys_of(text, "")
    return [key for key in keys if not any(other.startswith(f"{key}.") for other in keys)]


@pytest.mark.parametrize("path", sorted((config_dir() / "experiment").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_part_of_a_config_fits_as_it_stands_in_its_file(validator, path):
    validator.validate(OmegaConf.to_container(OmegaConf.load(path), resolve=False))


@pytest.mark.parametrize(
    ("key", "value", "said"), [case for case in REFUSED if (case[0], str(case[1])) not in NOT_FOR_JSON]
)
def test_what_the_check_refuses_is_refused(validator, stored, key, value, said):
    assert not validator.is_valid(changed(stored, key, value))


def test_what_is_left_to_the_check_alone_is_among_its_cases():
    assert set(NOT_FOR_JSON) <= {(key, str(value)) for key, value, _ in REFUSED}


@pytest.mark.parametrize(
    ("key", "value"), [*FITTING, ("optimizer.lr", "${model.rate}"), ("callbacks.checkpoint", None)]
)
def test_what_the_check_takes_is_taken(validator, stored, key, value):
    validator.validate(changed(stored, key, value))


@pytest.mark.parametrize(
    ("part", "taken"),
    [
        ({"optimizer": {"lr": 1e-3}}, True),
        ({"optimizer": {"learning_rate": 1e-3}}, False),
        ({"optimzer": {"lr": 1e-3}}, False),
        ({"optimizer": {"_target_": "torch.optim.SGD", "momentum": 0.9}}, True),
        ({"optimizer": {"_target_": "torch.optim.Adam", "momentum": 0.9}}, False),
        ({"model": {"_target_": "my_models.Flow", "knots": 8}}, True),
        ({"model": {"_target_": "hepad.models.VariationalAutoencoder", "knots": 8}}, False),
        ({"model": {"loss": {"_target_": "my_losses.Loss", "delta": "wide"}}}, True),
        ({"model": {"loss": {"terms": {"a": {"loss": {"terms": {"b": {"loss": {"delta": -1}}}}}}}}}, False),
        ({"inference": {"loss": {"terms": {"a": {"loss": {"delta": -1}}}}}}, False),
        ({"data": {"_target_": "my_data.Events", "batch_size": 1}}, False),
        ({"hydra": {"sweeper": {"params": {"seed": "1,2"}}}}, True),
        ({"hydra": {"job": {"chdir": "yes"}}}, False),
        ({"defaults": [{"override /model": "vae"}]}, True),
        ({"data": {"samples": {"a b": "x.h5"}}}, False),
    ],
)
def test_keys_are_known_where_they_are_hepads(validator, part, taken):
    assert validator.is_valid(part) is taken


def test_keys_have_the_comments_of_the_yaml_files():
    model = config_schema("train")["properties"]["model"]["else"]["properties"]
    said = comments_of((config_dir() / "model" / "vae.yaml").read_text(), "model")
    assert model["beta"]["description"] == said["model.beta"]
    assert f"vae: {said['model.latent']}" in model["latent"]["description"].splitlines()
    assert all(key["description"] for key in model.values() if "else" not in key)


def test_a_user_gets_the_keys_of_a_model_of_their_own(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "mine.yaml").write_text("_target_: my.Model\nwidth: 2 # of the code\nlatent: 3\n")
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "wide.yaml").write_text("# @package _global_\nmodel:\n  widht: 3\n")
    done = call(schema.main, tmp_path, "train", "--config-dir", str(tmp_path))
    validator = Draft202012Validator(json.loads(done.out))
    assert validator.is_valid({"model": {"width": 3}})
    assert not validator.is_valid({"model": {"widht": 3}})
    assert json.loads(done.out)["properties"]["model"]["else"]["properties"]["width"]["description"] == "of the code"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.write_bytes(b"\xff\xfe a: 1\n"), "it is not UTF-8"),
        (lambda path: path.mkdir(), "Is a directory"),
        (lambda path: path.symlink_to("nowhere"), "No such file or directory"),
    ],
    ids=["no text", "directory", "dangling link"],
)
def test_a_file_of_the_user_that_cannot_be_read_is_named_in_one_line(tmp_path, make, said):
    (tmp_path / "model").mkdir()
    make(tmp_path / "model" / "d.yaml")
    for command, words in ((schema.main, ["train"]), (train.main, ["--help"])):
        done = call(command, tmp_path, *words, "--config-dir", str(tmp_path))
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith(f"error: cannot read {tmp_path}/model/d.yaml: {said}")
        assert done.err.count("\n") == 1


@pytest.mark.parametrize(("place", "said"), [("| true", "Broken pipe"), ("> /dev/full", "No space left on device")])
@pytest.mark.parametrize("words", ["schema train", "schema schema", "new model mine"])
@pytest.mark.parametrize("buffering", [{}, {"PYTHONUNBUFFERED": "1"}], ids=["buffered", "at once"])
def test_output_that_cannot_be_written_is_no_traceback(tmp_path, words, place, said, buffering):
    (tmp_path / "mine").mkdir()
    line = f"set -o pipefail; cd mine; {sys.executable} -m hepad.{words} {place}"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"} | buffering
    done = subprocess.run(
        ["bash", "-c", line], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == f"error: cannot write the output: {said}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["tarin"], "did you mean 'train'?"),
        (["train", "score"], "one command is needed, not train score"),
        (["comand=train"], "did you mean 'command'?"),
    ],
)
def test_another_command_is_refused_in_one_line(tmp_path, words, said):
    done = call(schema.main, tmp_path, *words)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert done.err.count("\n") == 1


def test_numbers_of_a_schema_are_numbers_of_json():
    def numbers(node):
        if isinstance(node, dict | list):
            for value in node.values() if isinstance(node, dict) else node:
                yield from numbers(value)
        elif isinstance(node, float):
            yield node

    assert all(map(math.isfinite, numbers(json.loads(schema_text("train")))))
