"""State of a job of HTCondor's, read from the log that HTCondor keeps of it.

The format is that of HTCondor's manual, "Job Event Log Codes": events begin with a number of three digits and end with
a line of three dots.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_SUBMITTED, _RUNS, _EVICTED, _ENDED, _REMOVED, _HELD, _RELEASED = (0, 1, 4, 5, 9, 12, 13)
_HEAD: Final = re.compile(r"(\d{3}) \((\d+)\.(\d+)\.\d+\) ")


@dataclass(frozen=True)
class CondorState:
    """State of a job.

    Attributes:
        number: `CLUSTER.PROCESS`; empty before it is submitted.
        words: what it does, as a sentence goes on.
        code: its exit code, below 0 for a signal; None as long as it has none.
        removed: it was taken from the queue.
        held: it is on hold.
        n_holds: how often it was put on hold.
        hold_code: HTCondor's code of the last hold.
        reason: of the last hold or removal.

    >>> from hepad.pipeline.htcondor_log import CondorState
    >>> CondorState(code=0).ended, CondorState(held=True).ended
    (True, False)
    """

    number: str = ""
    words: str = ""
    code: int | None = None
    removed: bool = False
    held: bool = False
    n_holds: int = 0
    hold_code: int | None = None
    reason: str = ""

    @property
    def ended(self) -> bool:
        """True where nothing more comes."""
        return self.removed or self.code is not None


def read_log(log: Path) -> CondorState:
    """Return the state of the job that a log is of; one without a number where there is no log yet."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return CondorState()
    number, words, reason = "", "", ""
    code, hold_code = None, None
    removed, held, n_holds = False, False, 0
    # What comes after the last dots is being written.
    for event in re.split(r"^\.\.\.\s*$", text, flags=re.M)[:-1]:
        head = _HEAD.match(event.strip())
        if head is None:
            continue
        kind = int(head.group(1))
        if kind not in (_SUBMITTED, _RUNS, _EVICTED, _ENDED, _REMOVED, _HELD, _RELEASED):
            continue
        number = f"{int(head.group(2))}.{int(head.group(3))}"
        lines = [line.strip() for line in event.strip().splitlines()]
        held = kind == _HELD
        if kind == _SUBMITTED:
            words = "waits in the queue"
        elif kind == _RUNS:
            words = "runs"
        elif kind == _EVICTED:
            words = "lost its machine; HTCondor starts it again, and it goes on from its last epoch"
        elif kind == _RELEASED:
            words = "is released and waits in the queue"
        elif kind == _HELD:
            n_holds += 1
            reason = lines[1] if len(lines) > 1 else ""
            found = re.search(r"Code (\d+) Subcode", event)
            hold_code = int(found.group(1)) if found else None
            words = f"is on hold: {reason}"
        elif kind == _REMOVED:
            removed, reason = True, lines[1] if len(lines) > 1 else ""
        elif found := re.search(r"\((?:return value|signal) (\d+)\)", event):
            code = int(found.group(1)) if "return value" in found.group() else -int(found.group(1))
    return CondorState(number, words, code, removed, held, n_holds, hold_code, reason)
