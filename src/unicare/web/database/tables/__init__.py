"""The tables of the site, one module a noun; no rules in them."""

from unicare.web.database.tables.announcements import Announcement
from unicare.web.database.tables.audit import AuditEntry
from unicare.web.database.tables.boards import (
    BaselineRun,
    BoardPoint,
    BoardSnapshot,
    BoardState,
    BoardTurn,
)
from unicare.web.database.tables.outbox import OutboxMail
from unicare.web.database.tables.people import Registration, RegistrationStatus, User
from unicare.web.database.tables.submissions import (
    Evaluation,
    EvaluationState,
    QuotaSlot,
    Submission,
    SubmissionKind,
)
from unicare.web.database.tables.teams import Invitation, Membership, Team
from unicare.web.database.tables.throttles import Throttle
from unicare.web.database.tables.tokens import ApiToken, LoginSession, OneTimePurpose, OneTimeToken
from unicare.web.database.tables.uploads import Upload
from unicare.web.database.tables.watches import WorkerWatch

__all__ = [
    "Announcement",
    "ApiToken",
    "AuditEntry",
    "BaselineRun",
    "BoardPoint",
    "BoardSnapshot",
    "BoardState",
    "BoardTurn",
    "Evaluation",
    "EvaluationState",
    "Invitation",
    "LoginSession",
    "Membership",
    "OneTimePurpose",
    "OneTimeToken",
    "OutboxMail",
    "QuotaSlot",
    "Registration",
    "RegistrationStatus",
    "Submission",
    "SubmissionKind",
    "Team",
    "Throttle",
    "Upload",
    "User",
    "WorkerWatch",
]
