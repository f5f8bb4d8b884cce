from legato import faults
from legato.embedded.problems import DiskFull
from legato.errors import Unavailable
from legato.settings import Fault, WrongSettings


def test_a_group_of_known_faults_becomes_their_sentences() -> None:
    wrong = WrongSettings([Fault("NODES", "is malformed", "Set it")])
    group = ExceptionGroup("outer", [wrong, ExceptionGroup("inner", [DiskFull("Full.")])])

    found = faults.explain(group)

    assert found is not None
    assert found.sentence == "1 setting is wrong:\n  NODES is malformed. Set it.\nFull."
    assert found.exit_code == 2


def test_a_bug_among_them_keeps_its_traceback() -> None:
    assert faults.explain(ExceptionGroup("both", [Unavailable("redis"), KeyError("x")])) is None
