"""Packages read on first use: a training step reads none of them, and who needs one gets all of it."""

import subprocess
import sys

STEP = """
import torch, torchmetrics, torch._dynamo, scipy.signal
from hepad.core.late_import import is_loaded
model = torch.nn.Linear(3, 3)
optimizer = torch.optim.Adam(model.parameters())
model(torch.ones(2, 3)).sum().backward()
optimizer.step()
assert not is_loaded("torch._dynamo") and not is_loaded("scipy.signal")
step = torch._dynamo.disable(lambda: 7)
assert step() == 7
assert not isinstance(model, torch._dynamo.OptimizedModule)
assert not is_loaded("torch._dynamo")
"""

READ = """
import scipy.signal.windows as windows
assert is_loaded("scipy.signal") and windows is scipy.signal.windows is sys.modules["scipy.signal.windows"]
assert windows.__spec__.name == "scipy.signal.windows" and windows.__spec__.origin == windows.__file__
waiting = torch._dynamo
compiled = torch.compile(model, backend="eager")
assert is_loaded("torch._dynamo") and torch._dynamo is sys.modules["torch._dynamo"] is not waiting
assert isinstance(compiled, waiting.OptimizedModule) and not isinstance(model, waiting.OptimizedModule)
assert step() == 7
assert waiting.config is torch._dynamo.config
"""


def test_what_waits_for_a_package_is_the_package_as_soon_as_it_is_needed():
    code = f"import sys\nfrom hepad.core.late_import import import_late\nimport_late()\n{STEP}{READ}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
