"""Settings, folders and secrets of the program."""

from syncin_mount.config.file import ConfigurationError, ConfigurationFile
from syncin_mount.config.folders import FolderError, Folders, private_folder, unwritable
from syncin_mount.config.model import (
    Configuration,
    LogLevel,
    Scheduler,
    Scheduling,
    Server,
    Synchronization,
    Trash,
    Unit,
)
from syncin_mount.config.tokens import TokenStore

__all__ = [
    "Configuration",
    "ConfigurationError",
    "ConfigurationFile",
    "FolderError",
    "Folders",
    "LogLevel",
    "Scheduler",
    "Scheduling",
    "Server",
    "Synchronization",
    "TokenStore",
    "Trash",
    "Unit",
    "private_folder",
    "unwritable",
]
