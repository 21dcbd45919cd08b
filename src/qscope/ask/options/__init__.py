"""Options of the command line as entities: which there are, and what they take.

In: an interface. Out: `Option`, and the types of arguments.
"""

from qscope.ask.options.find import find_option, is_listable, list_options
from qscope.ask.options.presence import presence

__all__ = ["find_option", "is_listable", "list_options", "presence"]
