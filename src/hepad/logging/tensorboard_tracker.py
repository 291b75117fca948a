"""TensorBoard as a tracker: scalars, histograms of the scores, and all pictures."""

import numpy as np
from lightning.pytorch.loggers import TensorBoardLogger
from PIL import Image

from hepad.logging.results import Results
from hepad.logging.tracker import Tracker


class RunTensorBoardLogger(TensorBoardLogger, Tracker):
    """Lightning's TensorBoard logger, which takes the results of a run too."""

    def log_results(self, results: Results) -> None:
        """Log numbers, histograms and pictures at the epoch of the results."""
        self.log_metrics(dict(results.metrics), results.epoch)
        for name, sample in results.scores.items():
            self.experiment.add_histogram(f"test/scores/{name}", sample.score, results.epoch)
        for name, path in results.pictures.items():
            with Image.open(path) as picture:
                self.experiment.add_image(f"plots/{name}", np.asarray(picture), results.epoch, dataformats="HWC")
        self.save()


def tensorboard_logger(save_dir: str) -> RunTensorBoardLogger:
    """Return a TensorBoard logger that writes to `save_dir/tensorboard`."""
    # One directory without versions: a resumed training goes on in it, as TensorBoard expects.
    return RunTensorBoardLogger(save_dir, name="tensorboard", version="", default_hp_metric=False)
