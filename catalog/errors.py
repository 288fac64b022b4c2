"""What can be wrong with entries and with the folders that hold them."""

from __future__ import annotations

from bilinear.decompositions import BilinearError, Verification


class CatalogError(BilinearError):
    """An entry that cannot be read, found or kept; the text is one line, `PATH: thing: fact; need`."""


class BadEntryWarning(UserWarning):
    """A file among many that cannot be used, and was passed over; the text is that of the error which it would be."""


class StoreError(CatalogError):
    """A catalog folder that cannot be written: no permission, full disk, locked by another process."""


class WrongSchemeError(BilinearError):
    """An entry that is well formed but does not compute its target: the command line ends with exit code 1.

    Attributes:
        verification: What the check found.
    """

    def __init__(self, text: str, verification: Verification) -> None:
        super().__init__(text)
        self.verification = verification
