"""Hypothesis runs the same examples every time and keeps no database: nothing unseeded in a test."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "bilinear",
    derandomize=True,
    deadline=None,
    max_examples=40,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("bilinear")
