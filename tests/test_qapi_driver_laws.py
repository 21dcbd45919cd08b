"""Laws of branches that come and go, on schemas of every kind: the order plays no part."""

from hypothesis import given, settings
from hypothesis import strategies as st

from qscope import qapi
from qscope.qapi.drivers import add_branch, remove_branch
from tests.driver_sources import DRIVERS, add_all, write_all
from tests.schemas import hash_of, introspect
from tests.source_strategies import DEFINES, sources

CASES = st.lists(st.sampled_from(sorted(DRIVERS)), unique=True)


@settings(deadline=None)
@given(sources(), CASES, DEFINES)
def test_adding_is_writing(source, cases, defines):
    added = add_all(qapi.parse(source), cases)
    written = qapi.parse(write_all(source, cases))
    assert introspect(added, defines) == introspect(written, defines)


@settings(deadline=None)
@given(sources(), st.lists(st.sampled_from(sorted(DRIVERS)), max_size=12), DEFINES)
def test_only_what_is_there_in_the_end_counts(source, toggled, defines):
    """Each time a driver is named it comes, or goes if it is there."""
    base = schema = qapi.parse(source)
    present: set[str] = set()
    for case in toggled:
        if case in present:
            schema = remove_branch(schema, "Uni0x", case)
        else:
            schema = add_branch(schema, "Uni0x", case, DRIVERS[case])
        present ^= {case}
        assert schema.added.branches == {("Uni0x", each) for each in present}
    afresh = add_all(base, sorted(present))
    assert hash_of(schema, defines) == hash_of(afresh, defines)
    assert schema.by_name.keys() == afresh.by_name.keys()
    for case in sorted(present):
        schema = remove_branch(schema, "Uni0x", case)
    assert schema.entities == base.entities
    assert introspect(schema, defines) == introspect(base, defines)
