"""Boards of the site's own runs: the runs that count, ranked by workers, shown from the database."""

from unicare.web.standings.freeze import FreezeRefusedError, freeze_board, unfreeze_board
from unicare.web.standings.keep import BoardKeeper
from unicare.web.standings.stored import StoredScores

__all__ = ["BoardKeeper", "FreezeRefusedError", "StoredScores", "freeze_board", "unfreeze_board"]
