"""Questions about QOM types that the listings of an interface answer."""

from qscope.model.interface import Interface


def is_a(interface: Interface, typename: str, ancestor: str) -> bool:
    """Whether a type is another one, or descends from it; no where it is not listed."""
    parents = {each.name: each.parent for each in interface.listings.qom_types or ()}
    name: str | None = typename
    while name is not None and name != ancestor:
        name = parents.get(name)
    return name == ancestor


def is_abstract(interface: Interface, typename: str) -> bool:
    """Whether a type is listed as one of which nobody can make an object."""
    types = interface.listings.qom_types or ()
    return any(each.name == typename and each.abstract for each in types)
