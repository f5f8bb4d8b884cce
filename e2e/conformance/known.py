"""What the embedded node is known to lack, by case, with the reason.

The case still runs: it is listed as lacking, and fails as soon as it passes, so that no line stays.
"""

KNOWN: dict[str, str] = {}
