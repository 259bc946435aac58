"""A challenge is a folder: challenge.yaml, texts, reference data; see docs/challenge.md."""

from unicare.web.challenge.check import check_challenge
from unicare.web.challenge.findings import CheckResult, Finding
from unicare.web.challenge.limits import Containers, Limits, Uploads
from unicare.web.challenge.load import load_challenge, read_challenge
from unicare.web.challenge.phase import Phase, PhaseState
from unicare.web.challenge.present import lacking_reference
from unicare.web.challenge.public import find_public
from unicare.web.challenge.reference import Reference, find_reference
from unicare.web.challenge.schema import BoardEntry, Challenge, Task

__all__ = [
    "BoardEntry",
    "Challenge",
    "CheckResult",
    "Containers",
    "Finding",
    "Limits",
    "Phase",
    "PhaseState",
    "Reference",
    "Task",
    "Uploads",
    "check_challenge",
    "find_public",
    "find_reference",
    "lacking_reference",
    "load_challenge",
    "read_challenge",
]
