"""Verdicts on what is sent to QEMU: values and commands, before they are sent.

In: an `Interface` and what is to be judged. Out: `Finding`s. checker.py judges a value by a type,
validate.py a command.
"""

from qscope.ask.validation.checker import Checker
from qscope.ask.validation.masked import MaskedTypes, find_masked
from qscope.ask.validation.reader import Reader
from qscope.ask.validation.validate import validate, validate_message

__all__ = [
    "Checker",
    "MaskedTypes",
    "Reader",
    "find_masked",
    "validate",
    "validate_message",
]
