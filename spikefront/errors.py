"""Every error that Spikefront raises on purpose, in one tree.

::

    SpikefrontError            exit 1, HTTP 500   something Spikefront could not do
    |-- InputError             exit 2, HTTP 422   what the user gave is wrong; the sentence says the remedy
    |   |-- SpecError                             a campaign file or a parameter in it
    |   |-- DataError                             a data set that is missing, damaged or unknown
    |   `-- DesignError                           a network or accelerator that cannot be built
    |-- NotFoundError          exit 2, HTTP 404   a campaign, trial or design that is not in the store
    |-- ConflictError          exit 2, HTTP 409   it exists already, or its state forbids the verb
    |   `-- TakenOverError                        another driver has the campaign: this one stops
    |-- StoreAwayError         exit 1, HTTP 503   the database does not answer or cannot write now
    |-- ToolMissingError       exit 3, HTTP 501   a program outside Python that the verb needs
    `-- MismatchError          exit 4, HTTP 500   two descriptions of one design disagree

A message is one sentence: what was wrong, the value, and what to do.
"""

from typing import ClassVar


class SpikefrontError(Exception):
    """Root of the tree; ``exit_code`` and ``http_status`` say how each boundary reports it."""

    exit_code: ClassVar[int] = 1
    http_status: ClassVar[int] = 500


class InputError(SpikefrontError):
    """What the user gave is wrong."""

    exit_code = 2
    http_status = 422


class SpecError(InputError):
    """A campaign file or a parameter in it is wrong."""


class DataError(InputError):
    """A data set is missing, damaged or unknown."""


class DesignError(InputError):
    """A network or an accelerator cannot be built as asked."""


class NotFoundError(SpikefrontError):
    """No such campaign, trial or design in the store."""

    exit_code = 2
    http_status = 404


class ConflictError(SpikefrontError):
    """The thing exists already, or its state forbids what was asked."""

    exit_code = 2
    http_status = 409


class TakenOverError(ConflictError):
    """Another driver has taken the campaign; what this one writes is refused."""


class StoreAwayError(SpikefrontError):
    """The database does not answer, or has no room to write: what failed may work later."""

    http_status = 503


class ToolMissingError(SpikefrontError):
    """A program outside Python that the verb needs is not installed."""

    exit_code = 3
    http_status = 501


class MismatchError(SpikefrontError):
    """Two descriptions of one design (reference, RTL, Verilog) disagree."""

    exit_code = 4
