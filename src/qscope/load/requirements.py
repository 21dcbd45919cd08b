"""Files of requirements on disk."""

from qscope.ask.requirements import Requirements, parse_requirements
from qscope.errors import RequirementsError
from qscope.load.files import explain_error, read_regular, show_path

_MAX_BYTES = 4 << 20


def read_requirements(path: str) -> Requirements:
    """Read a file, or `-` for stdin. Raises RequirementsError; each mistake names the file."""
    name = "stdin" if path == "-" else show_path(path)
    try:
        return parse_requirements(_read_text(path))
    except RequirementsError as error:
        raise RequirementsError(tuple(f"{name}: {each}" for each in error.mistakes)) from error


def _read_text(path: str) -> str:
    try:
        return read_regular(path, _MAX_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RequirementsError((f"not TOML: not UTF-8 at byte {error.start}",)) from error
    except (OSError, ValueError) as error:
        raise RequirementsError((explain_error(error),)) from error
