import pytest

from legato.node.settings import NodeSettings
from legato.settings import WrongSettings, load


@pytest.mark.parametrize("listen", ["0.0.0.0", "::", "10.0.0.5", "node-1.example"])
def test_a_node_that_others_reach_needs_a_password_of_its_own(listen: str) -> None:
    with pytest.raises(WrongSettings, match="PASSWORD is Lavalink's default") as refused:
        load(NodeSettings, {"LISTEN": listen})

    assert "PASSWORD_FILE" in str(refused.value)
    assert load(NodeSettings, {"LISTEN": listen, "PASSWORD": "of our own"}).listen == listen


@pytest.mark.parametrize("listen", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_a_node_for_this_machine_alone_may_keep_lavalinks(listen: str) -> None:
    assert load(NodeSettings, {"LISTEN": listen}).listen == listen
