from legato_cluster import binaries


def test_the_version_is_the_one_that_is_pinned() -> None:
    assert binaries.kubernetes_version().startswith("v1.")
