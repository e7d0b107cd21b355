"""Flows on disk: entries that are loaded and saved, SavedModels that are exported and read."""

from zoo.saving import storage
from zoo.saving.entries import from_preset, load, save, seal, update_index
from zoo.saving.export import export, load_exported
from zoo.saving.presets import upload_preset
from zoo.saving.published import published
from zoo.saving.registry import list_models

__all__ = [
    "export",
    "from_preset",
    "list_models",
    "load",
    "load_exported",
    "published",
    "save",
    "seal",
    "storage",
    "update_index",
    "upload_preset",
]
