"""Structured layers in place of dense ones."""
