"""Boards as the site shows them: from published tables, and from whatever scores the site has."""

from unicare.web.boards.boards import Boards, NoSuchBoardError
from unicare.web.boards.source import NoScores, Scored, ScoreSource

__all__ = ["Boards", "NoScores", "NoSuchBoardError", "ScoreSource", "Scored"]
