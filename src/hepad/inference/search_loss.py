"""The loss of a latent search, made ready for the entries of some data."""

from hepad.core.batch import on_device
from hepad.core.errors import UserError
from hepad.core.structure import check_structures, plural
from hepad.data import AnomalyDataModule
from hepad.losses import ReconstructionLoss
from hepad.models import AnomalyModel, Searchable


def fit_loss(loss: ReconstructionLoss, model: AnomalyModel, data: AnomalyDataModule) -> None:
    """Let the loss take what it must know of the background, such as SSIM's data range, where the model is.

    Raises:
        UserError: the loss, or a part of it, is not for such entries.
    """
    for part in loss.modules():
        if not isinstance(part, ReconstructionLoss):
            continue
        what = f"inference.loss: {type(part).__name__}"
        check_structures(what, part.structures or (), getattr(part, "kinds", None))
        if part.structures is not None and data.structure not in part.structures:
            raise UserError(f"{what} is defined for {plural(part.structures)}, not for {plural({data.structure})}")
    assert isinstance(model, Searchable)
    try:
        loss.to(model.device).fit(model.latent_target(on_device(data.train_entries.batch, model.device))[0])
    except UserError as error:
        raise UserError(str(error).replace("model.loss.", "inference.loss.")) from error
