"""Sentences on parts of a run that do not fit, said before torch is imported, and again where the parts meet."""


def no_code(model: str) -> str:
    """Return what is wrong with a latent search through a model without a code."""
    return (
        f"inference=latent_search needs a generator or a decoder; {model} has none; choose inference=forward or a "
        "model such as gan, bigan, vae"
    )


def compares_entries(loss: str) -> str:
    """Return what is wrong with a reconstruction loss in an adversarial game."""
    return f"loss {loss} compares entries; use loss=hinge or loss=non_saturating"


def compares_no_entries(loss: str) -> str:
    """Return what is wrong with the loss of a game in an autoencoder."""
    return f"loss {loss} does not compare entries; use mse, mae, huber or another"
