"""From a setting to the model that serves."""

from __future__ import annotations

from furler_compressor.app.model_port import Model, NoModel


def open_model(name: str) -> Model:
    """Return the model of a name: ``none``, or ``auto`` for what is installed.

    Nothing is loaded yet. Raises ValueError for a model that cannot serve here.
    """
    if name not in ("auto", "none"):
        raise ValueError(f"FURLER_MODEL: {name} is not installed; have auto, none")
    return NoModel()
