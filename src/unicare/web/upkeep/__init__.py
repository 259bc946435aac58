"""What runs beside the web pages: workers, mails, sweeps."""

from unicare.web.upkeep.chores import Chore, chores_of
from unicare.web.upkeep.keeper import Upkeep
from unicare.web.upkeep.machine import Machine, look_at_machine

__all__ = ["Chore", "Machine", "Upkeep", "chores_of", "look_at_machine"]
