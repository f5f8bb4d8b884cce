"""The chart's roles on machines: no scenario before this one asked for a right that they lack."""

from legato_cluster import audit
from legato_cluster.cluster import Cluster
from legato_cluster.platform import SPACE

USER = f"system:serviceaccount:{SPACE}:legato-operator"


def test_the_operator_was_refused_nothing(installed: Cluster) -> None:
    log = installed.control.audit_log

    assert audit.used(log, USER)
    assert audit.refused(log, USER) == set()
