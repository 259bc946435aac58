"""A mark in the storage, by which workers tell the site's own from one that is empty by mistake.

A disk that isn't mounted, or a worker on another machine that wasn't told where the storage is, looks like a
storage in which nothing was handed in. Whatever a worker then evaluated would come out as nothing.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from sqlalchemy import select

from unicare import __version__
from unicare.core.errors import SettingsError
from unicare.web.database.tables import Submission
from unicare.web.life.site import WorkingSite
from unicare.web.life.states import HOLDS_SLOT
from unicare.web.storage import STORAGE_MARK, Storage

__all__ = ["check_mark", "leave_mark"]

_MEND = "check UNICARE_STORAGE_URL, and whether its disk is mounted"


def leave_mark(site: WorkingSite) -> None:
    """Marks the storage as this site's, with the version that serves it.

    Raises:
        SettingsError: the database knows of files, and the storage has none.
        OutputError: the storage can't be written to.
    """
    if not site.storage.exists(STORAGE_MARK):
        with site.database.reading() as session:
            kept = Submission.storage_key != "", Submission.state.in_(HOLDS_SLOT)
            key = session.scalar(
                select(Submission.storage_key).where(*kept).order_by(Submission.id.desc()).limit(1)
            )
        if key is not None and not (site.storage.exists(key) or site.storage.keys(key)):
            raise SettingsError(
                "the storage isn't this site's",
                found="none of the files that the database knows",
                mend=_MEND,
            )
    with tempfile.TemporaryDirectory(dir=site.scratch) as folder:
        mark = Path(folder) / "mark"
        mark.write_text(json.dumps({"unicare": __version__}), encoding="utf-8")
        site.storage.put(STORAGE_MARK, mark)


def check_mark(storage: Storage) -> None:
    """Refuses a storage that the site isn't served from, and a site of another version.

    Raises:
        SettingsError: it is one.
    """
    try:
        with storage.open(STORAGE_MARK) as file:
            served_by = str(json.load(file)["unicare"])
    except FileNotFoundError:
        raise SettingsError(
            "the storage isn't that of a site", found="no mark of unicare serve in it", mend=_MEND
        ) from None
    except (ValueError, KeyError, TypeError):
        raise SettingsError("the storage's mark can't be read", found=STORAGE_MARK, mend=_MEND) from None
    if served_by != __version__:
        raise SettingsError(
            "the site is served by another version of unicare",
            found=served_by,
            expected=__version__,
            mend="install the same version here; boards would change to and fro otherwise",
        )
