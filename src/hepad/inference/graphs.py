"""Recorded graphs of operations, with fewer of them."""

from typing import Any

import torch
from torch.fx import GraphModule, Node

_ATEN = torch.ops.aten
_VIEWS = frozenset({_ATEN.view.default, _ATEN._unsafe_view.default, _ATEN.expand.default})
_CONSTANTS = frozenset({_ATEN.ones.default, _ATEN.full.default, _ATEN.scalar_tensor.default})


def without_idle_views(graph: GraphModule) -> GraphModule:
    """Take out the views that change neither shape nor strides; each costs as much as a small product."""
    for node in list(graph.graph.nodes):
        if node.op != "call_function" or node.target not in _VIEWS:
            continue
        before: Any = node.args[0].meta["val"]
        after: Any = node.meta["val"]
        if before.shape == after.shape and before.stride() == after.stride():
            node.replace_all_uses_with(node.args[0])
    return _cleaned(graph)


def without_bookkeeping(graph: GraphModule) -> GraphModule:
    """Take out what a graph without gradients of its own does not need.

    These are detached tensors, first powers (as the gradient of a square has) and all that follows from constants
    alone, which is computed here, once.
    """
    constants: dict[Node, Any] = {}
    for node in list(graph.graph.nodes):
        if node.op == "get_attr":
            constants[node] = getattr(graph, str(node.target))
        if node.op != "call_function":
            continue
        first_power = node.target is _ATEN.pow.Tensor_Scalar and node.args[1] == 1
        if node.target is _ATEN.detach.default or first_power:
            node.replace_all_uses_with(node.args[0])
        elif node.target in _CONSTANTS or (
            node.all_input_nodes and all(source in constants for source in node.all_input_nodes)
        ):
            value = node.target(
                *torch.fx.node.map_arg(node.args, constants.__getitem__),
                **torch.fx.node.map_arg(node.kwargs, constants.__getitem__),
            )
            if not isinstance(value, torch.Tensor):
                continue
            name = f"_folded_{len(constants)}"
            graph.register_buffer(name, value)
            with graph.graph.inserting_before(node):
                constant = graph.graph.get_attr(name)
            constant.meta = node.meta
            node.replace_all_uses_with(constant)
            constants[constant] = value
    return _cleaned(graph)


def _cleaned(graph: GraphModule) -> GraphModule:
    graph.graph.eliminate_dead_code()
    graph.recompile()
    return graph
