"""Why some operators have no call that MXNet accepts."""

from __future__ import annotations

NEVER_ACCEPTED: dict[str, str] = {}
"""By operator: the reason."""
