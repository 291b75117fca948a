"""Rotations in φ and the mirror in η: exact, each image by itself, and reproducible."""

import torch

from hepad.core.batch import Batch
from hepad.data.loader import BatchLoader
from hepad.data.symmetry import augment, flip_eta, roll_phi

IMAGES = torch.arange(4 * 2 * 18 * 14, dtype=torch.float32).reshape(4, 2, 18, 14)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_each_image_is_rotated_by_its_own_shift():
    rolled = roll_phi(IMAGES, torch.tensor([0, 1, 17, 9]))
    for image, turned, shift in zip(IMAGES, rolled, (0, 1, 17, 9), strict=True):
        assert torch.equal(turned, image.roll(shift, dims=1))


def test_a_rotation_and_its_inverse_give_back_every_bit():
    shifts = torch.tensor([3, 5, 17, 0])
    assert torch.equal(roll_phi(roll_phi(IMAGES, shifts), 18 - shifts), IMAGES)


def test_only_the_chosen_images_are_mirrored():
    flipped = flip_eta(IMAGES, torch.tensor([True, False, True, False]))
    assert torch.equal(flipped[1::2], IMAGES[1::2])
    assert torch.equal(flipped[::2], IMAGES[::2].flip(3))


def test_augmentation_moves_pixels_and_changes_none():
    changed = augment(IMAGES, generator(), phi=True, eta=True)
    assert not torch.equal(changed, IMAGES)
    for before, after in zip(IMAGES, changed, strict=True):
        for channel in range(2):
            assert torch.equal(before[channel].flatten().sort().values, after[channel].flatten().sort().values)


def test_every_orientation_occurs_about_equally_often():
    marked = torch.zeros(36_000, 1, 18, 14)
    marked[:, 0, 0, 0] = 1
    found = augment(marked, generator(), phi=True, eta=True)[:, 0].flatten(1).argmax(1)
    rows, columns = found // 14, found % 14
    assert set(columns.tolist()) == {0, 13}
    counts = torch.bincount(rows * 2 + (columns > 0), minlength=36)
    assert ((counts - 1000).abs() < 5 * 1000**0.5).all()


def test_one_kind_alone_leaves_the_other_axis():
    assert torch.equal(augment(IMAGES, generator(), phi=False, eta=False), IMAGES)
    columns = augment(IMAGES, generator(), phi=True, eta=False)
    assert torch.equal(columns.sum(2), IMAGES.sum(2))
    rows = augment(IMAGES, generator(), phi=False, eta=True)
    assert torch.equal(rows.sum(3), IMAGES.sum(3))


def test_batches_are_augmented_anew_each_epoch_and_the_same_when_resumed():
    def batches(epoch: int) -> torch.Tensor:
        loader = BatchLoader(Batch(x=IMAGES), 2, shuffle_seed=7)
        loader.transform = lambda batch, numbers: batch._replace(x=augment(batch.x, numbers, True, True))
        loader.sampler.set_epoch(epoch)
        torch.manual_seed(epoch)  # the global numbers must not matter
        return torch.cat([batch.x for batch in loader])

    assert torch.equal(batches(3), batches(3))
    assert not torch.equal(batches(3), batches(4))
