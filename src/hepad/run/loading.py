"""Loading a run back from its directory."""

from hashlib import sha256
from pathlib import Path

from hepad.checkpoints.checkpoint_model import load_model
from hepad.config import RunConfig
from hepad.config.keys.check import check_sections
from hepad.config.registry import check_targets, get_class
from hepad.core.errors import UserError
from hepad.core.files import file_sha256
from hepad.models.mean_of_members import MeanOfMembers
from hepad.run.scoring_run import ScoringRun
from hepad.rundir.checkpoint_file import refuse_damaged
from hepad.rundir.config_file import read_checked_config
from hepad.rundir.facts import read_provenance


class Run(ScoringRun):
    """A finished run: its model with the best weights, ready to score, and all that its directory tells.

    `load_run` gives it, and `hepad.train`. The attributes are those of `hepad.run.stored_run.StoredRun`.
    """


def load_run(directory: str | Path) -> Run:
    """Load the best model of a run, or of an ensemble the mean of its members' scores.

    Nothing in the directory can name code that is not on the allow-list (`hepad.config.registry`), and the checkpoint
    is read with `weights_only=True`, after its checksums were compared.

    Raises:
        UserError: the directory is not a run, its config or its checkpoint is damaged, or the two do not fit together.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from hepad import load_run
    >>> from hepad.config import compose
    >>> from hepad.run import train
    >>> short = ["data.limit=500", "trainer.max_epochs=1", "evaluation.plots=false", "logger=none"]
    >>> with TemporaryDirectory() as directory:  # doctest: +ELLIPSIS
    ...     run_dir = Path(directory) / "my_run"
    ...     result = train(compose("train", ["model=dense_ae", *short, f"paths.run={run_dir}"]), run_dir)
    ...     run = load_run(run_dir)
    ...     print(run.entry_shape, run.features[:4], run.score(np.ones((5, 17))).shape)
    epoch 0: train/loss ...
    (17,) ('pt', 'eta', 'phi', 'mass') (5,)
    """
    directory = Path(directory)
    config = RunConfig.of(read_checked_config(directory))
    checkpoint = directory / "checkpoints" / "best.ckpt"
    if directory.parent.name == "evaluations" and not checkpoint.exists():
        raise UserError(f"{directory} is an evaluation; its run is {directory.parent.parent}")
    if not checkpoint.exists() and config.ensemble > 1:
        return _load_members(directory, config)
    if not checkpoint.exists() and config.data.folds is not None and config.data.fold is None:
        raise UserError(f"{directory} has a model for each of its folds; name one of them, {directory / 'fold0'} …")
    if not checkpoint.exists():
        raise UserError(f"{directory} has no checkpoints/best.ckpt; the run did not finish its first epoch")
    refuse_damaged(checkpoint, "put back a copy, or train again")
    check_targets(config.model)
    check_sections(config.plain())
    model = load_model(get_class(config.model.target), checkpoint)
    return Run(directory, config, model.eval(), file_sha256(checkpoint), directory, read_provenance(directory))


def _load_members(directory: Path, config: RunConfig) -> Run:
    if not (directory / "metrics.json").exists():
        raise UserError(f"{directory} is an ensemble that did not finish; go on with it: resume={directory}")
    members = [load_run(directory / f"member{number}") for number in range(config.ensemble)]
    digest = sha256("".join(member.checkpoint_sha256 for member in members).encode()).hexdigest()
    model = MeanOfMembers([member.model for member in members])
    return Run(directory, config, model.eval(), digest, members[0].trained_in, read_provenance(directory))
