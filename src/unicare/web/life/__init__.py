"""The life of a submission, from its upload to its score; workers are in ``unicare.web.life.worker``."""

from unicare.web.life.arrivals import find_arrivals, note_whole, take_upload
from unicare.web.life.hand_in import (
    begin_submission,
    cancel_submission,
    evaluate_again,
    finish_upload,
    place_in_queue,
    queue_submission,
    refuse_unless_taking_part,
)
from unicare.web.life.quota import QuotaUsedUpError, slots_taken
from unicare.web.life.site import WorkingSite, largest_upload, open_site, open_uploads, working_site
from unicare.web.life.states import MoveRefusedError, State
from unicare.web.life.wake import Wake, open_wake

__all__ = [
    "MoveRefusedError",
    "QuotaUsedUpError",
    "State",
    "Wake",
    "WorkingSite",
    "begin_submission",
    "cancel_submission",
    "evaluate_again",
    "find_arrivals",
    "finish_upload",
    "largest_upload",
    "note_whole",
    "open_site",
    "open_uploads",
    "open_wake",
    "place_in_queue",
    "queue_submission",
    "refuse_unless_taking_part",
    "slots_taken",
    "take_upload",
    "working_site",
]
