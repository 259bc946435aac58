"""The volumes of a submission's worst cases: image, truth and prediction, as .nii.gz."""

from __future__ import annotations

import gzip
import io
import unicodedata
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Literal, get_args
from urllib.parse import quote

from unicare.core.errors import UnicareError
from unicare.data.layouts.flat import list_cases
from unicare.data.nifti import NIFTI_SUFFIXES
from unicare.evaluate.files import PREDICTION_ENDS, find_truths
from unicare.web.accounts.refusals import AccountError, Reason
from unicare.web.challenge import Reference
from unicare.web.database.tables import Submission
from unicare.web.facts.cases import WorstCaseFacts, WorstFacts
from unicare.web.hand_in.results import Results, figures_of, worst_cases
from unicare.web.life import WorkingSite
from unicare.web.life.reference import reference_of

__all__ = ["What", "open_volume", "worst_facts"]

What = Literal["image", "truth", "prediction"]

_DRAWN_ON = ("LGE", "T2", "bSSFP")  # the first of these that a case has is the one that its truth lies on
_BLOCK_BYTES = 2**18


def worst_facts(site: WorkingSite, results: Results, start: str) -> WorstFacts:
    """The worst cases, and where their volumes are.

    Args:
        site: where they are.
        results: of somebody who may see them.
        start: of the addresses of volumes.
    """
    images = _images(reference_of(site.challenge, results.submission.task, results.submission.phase))
    cases = []
    for one in worst_cases(results.rows):
        sequence = _drawn_on(images.get(one.case, {}))
        address = {what: f"{start}/{quote(one.case, safe='')}/{what}.nii.gz" for what in get_args(What)}
        cases.append(
            WorstCaseFacts(
                case=one.case,
                distribution=one.distribution,
                dice=one.dice,
                sequence=sequence or "unknown",
                figures=figures_of(one.rows),
                **address,
            )
        )
    by = "lowest Dice, the mean over a case’s structures"
    return WorstFacts(submission=results.submission.id, evaluation=results.number, by=by, cases=tuple(cases))


def open_volume(site: WorkingSite, results: Results, case: str, what: What) -> Iterator[bytes]:
    """The bytes of a volume, packed with gzip, in blocks.

    What is asked for is looked up among the worst cases, and those among the reference's: no name that
    somebody sends is part of a path.

    Raises:
        AccountError: it isn't one of the worst cases, or has no such volume.
    """
    known = next((one.case for one in worst_cases(results.rows) if one.case == case), None)
    if known is None:
        raise AccountError("this isn't one of the worst cases", Reason.NOT_FOUND)
    reference = reference_of(site.challenge, results.submission.task, results.submission.phase)
    if what == "prediction":
        key = _prediction_key(site, results.submission, known)
        return _packed(site.storage.open(key), key)
    if what == "truth":
        path = find_truths(reference.truth).get(known)
    else:
        files = _images(reference).get(known, {})
        path = files.get(_drawn_on(files) or "")
    if path is None or not path.resolve().is_relative_to(site.challenge.folder):
        raise AccountError("this case has no such volume", Reason.NOT_FOUND)
    return _packed(path.open("rb"), path.name)


def _images(reference: Reference) -> Mapping[str, Mapping[str, Path]]:
    try:
        return list_cases(reference.folder, find_truths(reference.truth))
    except UnicareError:  # a phase may do without images
        return {}


def _drawn_on(files: Mapping[str, Path]) -> str | None:
    """Which sequence the truth lies on."""
    return next((name for name in _DRAWN_ON if name in files), next(iter(files), None))


def _prediction_key(site: WorkingSite, submission: Submission, case: str) -> str:
    names = [f"{case}{end}{suffix}" for end in PREDICTION_ENDS for suffix in NIFTI_SUFFIXES]
    there = {
        unicodedata.normalize("NFC", key.rpartition("/")[2]): key
        for key in site.storage.keys(submission.storage_key)
    }
    for name in names:
        if (key := there.get(unicodedata.normalize("NFC", name))) is not None:
            return key
    raise AccountError("this case has no such volume", Reason.NOT_FOUND)


def _packed(stream: IO[bytes], name: str) -> Iterator[bytes]:
    """A file's bytes; packed on the way if they aren't yet."""
    with stream:
        if name.endswith(".gz"):
            while block := stream.read(_BLOCK_BYTES):
                yield block
            return
        packed = io.BytesIO()
        with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=zlib.Z_BEST_SPEED, mtime=0) as file:
            while block := stream.read(_BLOCK_BYTES):
                file.write(block)
                yield packed.getvalue()
                packed.seek(0)
                packed.truncate()
        yield packed.getvalue()
