"""Campaigns: a plan of targets and solvers, hunted task by task, by a bandit, on any number of workers."""
