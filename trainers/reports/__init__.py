"""What is told of flows: figures, pictures, tables, model cards and the pages of the gallery.

Other rooms import these modules from here; `markdown` does without TensorFlow. Nothing is imported
ahead.
"""

__all__ = [
    "about",
    "baselines",
    "card_baselines",
    "card_head",
    "card_recipe",
    "cards",
    "cells",
    "classifier",
    "gallery_pages",
    "iterations",
    "markdown",
    "outside",
    "pictures",
    "progress",
    "views",
]
