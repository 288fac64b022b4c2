"""What carries a search: the problem, the solver protocol, the order, the one loop, its checkpoints and its jobs."""
