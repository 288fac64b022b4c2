"""What can be wrong with input. Every message names the thing, the fact, the need and the act."""

from __future__ import annotations


class BilinearError(Exception):
    """Wrong input or a failed environment: the command line prints one line and ends with exit code 2."""


class UnknownNameError(BilinearError):
    """A name that no registry holds."""


class PluginError(BilinearError):
    """What another package adds under a name, and what cannot be loaded or is not what the name stands for."""


class PluginWarning(UserWarning):
    """What another package adds was passed over; the text says whose it is and why."""


class TargetError(BilinearError):
    """A target that cannot be built from what was given."""


class SchemeError(BilinearError):
    """Factors that do not make a scheme: shapes disagree, or a coefficient lies outside the ring."""


class RingError(SchemeError):
    """A coefficient set that cannot hold the scheme it was asked to hold."""


class FloatRangeError(SchemeError, OverflowError):
    """A coefficient that floats cannot hold."""


class TooLargeError(BilinearError):
    """Work that would need more memory than there is; refused before anything is allocated."""
