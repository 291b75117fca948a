"""Tested entries of a datamodule: of a sample in a role its test part, of any other all; signal apart where known."""

from pathlib import Path
from typing import Any

from hepad.core.errors import UserError
from hepad.data.entries import Entries
from hepad.data.event_weights import refuse_weightless
from hepad.data.parts import tested_part
from hepad.data.reading import SampleReader
from hepad.data.streaming.samples import Streamed, read_within
from hepad.data.training_roles import same_file
from hepad.data.truth import by_truth


class TestedSamples(SampleReader):
    """Entries that are tested, by the names of samples.

    Attributes:
        files: sample → file.
        test_entries: tested sample → entries; `<sample>_signal` where the truth says which are signal.
        streamed: what is streamed; None where all entries are in memory.
    """

    files: dict[str, Path]
    test_entries: dict[str, Entries]
    streamed: Streamed | None = None
    _tested: dict[str, Entries]
    _sample_of: dict[str, str]

    def _trained_sample(self, sample: str) -> str | None:
        """Return the sample in a role whose test part is that of `sample`; None where nothing of it is trained on."""
        trained = self.trained_samples
        if sample in trained:
            return sample
        # The same file under another name: its entries train all the same.
        return next((name for name in trained if same_file(self.files[name], self.files[sample])), None)

    def tested(self, sample: str) -> Entries:
        """Return what is tested of a sample, its signal included."""
        return self._tested[sample]

    def read_tested(self, sample: str, path: Path, limit: int | None) -> Entries:
        """Read the entries of another file of a sample; of one that does not fit some, where entries are streamed."""
        memory = None if self.streamed is None else self.streamed.memory
        return tested_part(read_within(self, sample, path, limit, memory))

    def set_tested(self, sample: str, entries: Entries) -> None:
        """Test other entries of a sample, those of another file."""
        self._tested[sample] = entries
        self._set_tests()

    def _set_tests(self) -> None:
        self.test_entries = {}
        self._sample_of: dict[str, str] = {}
        for sample, entries in self._tested.items():
            parts = by_truth(sample, entries, self._tested)
            self.test_entries |= parts
            self._sample_of |= dict.fromkeys(parts, sample)
        for name, entries in self.test_entries.items():
            sample = self._sample_of[name]
            what = f"the test part of {name}" if self._trained_sample(sample) else name
            refuse_weightless(entries.batch.weight, what, self.files[sample])
        if self.background not in self.test_entries:
            raise UserError(f"every tested entry of {self.background} is signal, by its truth; choose data.background")

    @property
    def split_samples(self) -> list[str]:
        """Names of the samples of which the test part alone is tested, since the rest trains and validates."""
        return [sample for sample in self.files if self._trained_sample(sample) is not None]

    def sample_of(self, tested: str) -> str:
        """Return the sample that a tested one, or the signal in one, is of."""
        return self._sample_of[tested]

    def file_of(self, tested: str) -> Path:
        """Return the file of a tested sample, or of the signal in one."""
        return self.files[self._sample_of[tested]]

    @property
    def test_samples(self) -> list[str]:
        """Names of the tested samples, in the order of `test_dataloader`."""
        return list(self.test_entries)

    def tested_facts(self, sample: str) -> dict[str, Any]:
        """Return how many entries of a sample are tested, how many of them are signal, and what was left out."""
        entries = self._tested[sample]
        truth = {} if entries.truth is None else {"tested_signal": int(entries.truth.sum())}
        return {"tested": len(entries), **truth, "dropped": entries.dropped, "left_out": entries.left_out}
