"""The entry point ``torch`` of the group ``neutral.writers``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Writer:
    """A writer's name, and the module that adds its commands to the command line."""

    name: str
    commands: str


writer = Writer(name="torch", commands="neutral_to_torch.commands")
