"""How much may be uploaded."""

from __future__ import annotations

from unicare.web.challenge import Phase
from unicare.web.life import WorkingSite

__all__ = ["largest_upload"]


def largest_upload(site: WorkingSite, phase: Phase) -> int:
    """Bytes of the largest upload that a phase takes: what the challenge and the site both allow."""
    challenge, most = site.challenge, site.settings.upload_mb * 2**20
    if phase.kind == "container":
        return min(most, round(challenge.containers.limits.image_gb * 2**30))
    return min(most, challenge.uploads.archive_mb * 2**20)
