"""Options of the command line as entities: which there are, and what they take.

In: an interface. Out: `Option`, and the types of arguments.
"""

from qscope.ask.options.find import find_option, is_listable, list_options
from qscope.ask.options.presence import presence
from qscope.ask.options.types import find_option_type

__all__ = ["find_option", "find_option_type", "is_listable", "list_options", "presence"]
