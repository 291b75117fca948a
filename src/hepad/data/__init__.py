"""Reading HDF5 files, splits, batches and datamodules."""

from hepad.core.batch import Batch
from hepad.data.calo import CaloDataModule
from hepad.data.constituents import ConstituentsDataModule
from hepad.data.datamodule import AnomalyDataModule
from hepad.data.entries import Entries
from hepad.data.events import EventsDataModule
from hepad.data.given_arrays import given_array
from hepad.data.jet_images import JetImagesDataModule
from hepad.data.jets import JetsDataModule
from hepad.data.showers import ShowerDataModule
from hepad.data.table import TableDataModule

__all__ = [
    "AnomalyDataModule",
    "Batch",
    "CaloDataModule",
    "ConstituentsDataModule",
    "Entries",
    "EventsDataModule",
    "JetImagesDataModule",
    "JetsDataModule",
    "ShowerDataModule",
    "TableDataModule",
    "given_array",
]
