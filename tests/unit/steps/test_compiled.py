"""Networks compiled for a training, and left as they were."""

import pytest
import torch
from tests.stepping import dense, fit

from hepad.core.errors import UserError
from hepad.steps.compiled import CompiledNetworks, require_compiler


@pytest.fixture(scope="module", autouse=True)
def compiler():
    """Import the compiler here: it takes two seconds, and every process of the tests collects this file."""
    import torch._inductor.cpp_builder  # noqa: F401


def test_networks_are_compiled_while_they_train(tmp_path):
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    callback = CompiledNetworks(backend=backend)
    model = dense()
    found = fit(tmp_path, model, None, callback, max_epochs=1)
    assert found[-1].fit_loop.epoch_loop.reason == ""
    assert graphs
    assert model.network._compiled_call_impl is None
    torch.compiler.reset()
    expected = fit(tmp_path, dense(), None, max_epochs=1)
    for name, value in expected[0].items():
        torch.testing.assert_close(found[0][name], value)


def test_networks_are_left_as_they_were_after_an_error(tmp_path):
    def backend(graph, inputs):
        raise UserError("no")

    model = dense()
    with pytest.raises(Exception, match="no"):
        fit(tmp_path, model, None, CompiledNetworks(backend=backend), max_epochs=1)
    torch.compiler.reset()
    assert model.network._compiled_call_impl is None


def test_a_missing_compiler_is_named(monkeypatch):
    from torch._inductor import cpp_builder
    from torch._inductor.exc import InvalidCxxCompiler

    def none():
        raise InvalidCxxCompiler

    monkeypatch.setattr(cpp_builder, "get_cpp_compiler", none)
    with pytest.raises(UserError, match=r"apt install g\+\+"):
        require_compiler()
