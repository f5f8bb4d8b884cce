"""The names of raw JSON: what Discord's wire carries before and after our own types. Pure."""

from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
"""One JSON object; only payload builders and wire edges touch it."""
