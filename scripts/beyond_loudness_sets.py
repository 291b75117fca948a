"""Sets of entries of `scripts.beyond_loudness_table`, and the commands of the models on each.

Left out are models that need a second sample (classifier, trees), those that copy another model's scores (distilled,
ensembles), and convolutional autoencoders of jet images, which take more than five minutes. Models are at their
defaults; what differs from them is written in the words.
"""

from typing import Final, NamedTuple


class DataSet(NamedTuple):
    """Models on one set of entries.

    Attributes:
        title: of the table.
        words: of the command, common to all models.
        reference: sample that the models are trained on.
        signals: samples that are looked for.
        models: words of each model.
        matched: also at equal Σ pT.
    """

    title: str
    words: str
    reference: str
    signals: tuple[str, ...]
    models: tuple[str, ...]
    matched: bool


LOUD: Final = ("ttbar", "radion", "wprime")
JET_IMAGES: Final = (
    "experiment=top_vs_qcd",
    "model=nae",
    "model=nae model.pretrain=30",
    "model=vae data=jet_images trainer.max_epochs=30",
    "model=sparse_ae data=jet_images trainer.max_epochs=30",
    "model=deep_svdd data=jet_images",
    "model=gan data=jet_images",
)
CONSTITUENTS: Final = ("model=graph_ae",)

SETS: Final = {
    "jets": DataSet(
        "Single jets",
        "experiment=beyond_loudness",
        "jet_ht",
        LOUD,
        (
            "model=vae",
            "model=isolation_forest",
            "model=gmm",
            "model=deep_svdd",
            "model=pyod",
            "model=pyod model.detector=KNN",
            "model=pyod model.detector=LOF",
            "model=dense_ae",
            "model=denoising_ae",
            "model=nae data=jets",
            "model=sparse_ae",
            "model=sparse_ae model.sparsity_weight=0.001",
            "model=flow",
            "model=flow_matching",
            "model=double_ae",
            "model=gan data=jets trainer=default",
            "model=bigan data=jets trainer=default",
        ),
        matched=True,
    ),
    "events": DataSet(
        "Whole events",
        "experiment=beyond_loudness",
        "jet_ht",
        LOUD,
        (
            "model=vae data=events",
            "model=vae data=events model.network=dense",
            "model=td_ae",
            "model=denoising_ae data=events model.network=dense",
            "model=deep_svdd data=events",
            "model=denoising_ae data=events",
            "model=sparse_ae data=events",
            "model=graph_ae data=events",
            "model=flow data=events",
            "model=flow_matching data=events",
            "model=gan data=events",
            "model=bigan data=events",
        ),
        matched=True,
    ),
    "calo": DataSet(
        "Calorimeter images",
        "experiment=beyond_loudness",
        "jet_ht",
        LOUD,
        (
            "model=deep_svdd data=calo trainer=brief",
            "model=conv_ae loss=ncc",
            "model=conv_ae model.normalizer=layer",
            "model=vae data=calo trainer=brief",
            "model=denoising_ae data=calo trainer=brief",
            "model=sparse_ae data=calo trainer=brief",
            "model=gan",
            "model=bigan",
            "model=conv_ae loss=ssim",
            "model=cicada_ae",
            "model=conv_ae",
            "model=nae data=calo",
        ),
        matched=True,
    ),
    "dijets": DataSet(
        "Dijets",
        "data=dijets",
        "qcd_dijet",
        ("wprime_dijet",),
        (
            "model=isolation_forest",
            "model=gmm",
            "model=dense_ae model.latent=2",
            "model=vae model.latent=2",
            "model=denoising_ae",
            "model=deep_svdd",
            "model=pyod model.detector=KNN",
            "model=flow",
            "model=flow_matching",
        ),
        matched=False,
    ),
    "images_qcd": DataSet(
        "Jet images, trained on dijets", "data.background=qcd_jets", "qcd_jets", ("top_jets",), JET_IMAGES, False
    ),
    "images_top": DataSet(
        "Jet images, trained on tops", "data.background=top_jets", "top_jets", ("qcd_jets",), JET_IMAGES, False
    ),
    "constituents_qcd": DataSet(
        "Constituents, trained on dijets", "data.background=qcd_jets", "qcd_jets", ("top_jets",), CONSTITUENTS, False
    ),
    "constituents_top": DataSet(
        "Constituents, trained on tops", "data.background=top_jets", "top_jets", ("qcd_jets",), CONSTITUENTS, False
    ),
}
