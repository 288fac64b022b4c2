"""Ranks over `f2`, and lower bounds on them, proved by looking at every span that could hold a target."""

from __future__ import annotations

from bilinear.decompositions.exhaustion.spans import Answer, Hunt, hunts

__all__ = ["Answer", "Hunt", "hunts"]
