"""Boards as the site shows them: from published tables, and from whatever scores the site has."""

from unicare.web.boards.boards import Boards, NoSuchBoardError
from unicare.web.boards.source import Change, Frozen, NoScores, Scored, ScoreSource

__all__ = ["Boards", "Change", "Frozen", "NoScores", "NoSuchBoardError", "ScoreSource", "Scored"]
