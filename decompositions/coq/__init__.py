"""Schemes and their programs as files that Coq checks: the identity is stated over every ring, and proved."""

from __future__ import annotations

from bilinear.decompositions.coq.source import coq_source

__all__ = ["coq_source"]
