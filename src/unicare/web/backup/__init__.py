"""Backups: a site in one file, while it runs, and back into a database and a storage of any kind."""

from unicare.web.backup.backup import Backup, write_backup
from unicare.web.backup.file import BackupError
from unicare.web.backup.restore import Restored, restore_backup

__all__ = ["Backup", "BackupError", "Restored", "restore_backup", "write_backup"]
