"""Flip graphs: walks between schemes of one rank by flips, down by reductions, up by plus transitions."""
