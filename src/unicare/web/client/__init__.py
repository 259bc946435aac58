"""A site's API from the outside: asking, uploading, waiting. Needs neither FastAPI nor a database."""

from unicare.web.client.connection import SiteConnection, SiteError
from unicare.web.client.pack import Packed, packed_for_upload
from unicare.web.client.remembered import Remembered, recall_site, remember_site
from unicare.web.client.upload import Told, hand_in, sha256_of
from unicare.web.client.wait import follow

__all__ = [
    "Packed",
    "Remembered",
    "SiteConnection",
    "SiteError",
    "Told",
    "follow",
    "hand_in",
    "packed_for_upload",
    "recall_site",
    "remember_site",
    "sha256_of",
]
