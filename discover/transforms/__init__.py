"""Searches for fast algorithms of linear transforms: hierarchical, from ranks of sub-blocks, and by gradients."""
