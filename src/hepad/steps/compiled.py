"""Networks compiled while they train (`trainer.compile`), and as they were before and afterwards."""

from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Callback
from torch import nn

from hepad.core.errors import UserError


class CompiledNetworks(Callback):
    """Compile every network of a model when its training begins (`torch.compile`), and undo it when that ends.

    The parts of a model are compiled in place, so that checkpoints keep their names; scoring, diagnostics and searches
    use the networks as they are. Compiling takes from seconds to minutes. Numbers agree to rounding; those drawn at
    random, as in dropout, are others.

    Raises:
        UserError: there is no compiler.

    >>> from hepad.steps.compiled import CompiledNetworks
    >>> CompiledNetworks().compiled
    []
    """

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.compiled: list[nn.Module] = []

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Compile what has weights; the normaliser and the loss stay as they are."""
        if pl_module.device.type == "cpu":
            require_compiler()
        for part in pl_module.children():
            if any(True for _ in part.parameters()):
                part.compile(**self.options)
                self.compiled.append(part)

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Leave the networks as they were."""
        self._undo()

    def on_exception(self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        """Leave the networks as they were."""
        self._undo()

    def _undo(self) -> None:
        while self.compiled:
            self.compiled.pop()._compiled_call_impl = None


def require_compiler() -> None:
    """Raise `UserError` where torch finds no C++ compiler, which it needs on a CPU."""
    from torch._inductor.cpp_builder import get_cpp_compiler
    from torch._inductor.exc import InvalidCxxCompiler

    try:
        get_cpp_compiler()
    except InvalidCxxCompiler as error:
        raise UserError(
            "trainer.compile=true: torch finds no C++ compiler; install one (apt install g++), or leave it out"
        ) from error
