from chaos_hello import Busy
from chaoscore.testing import check_injector


def test_it_keeps_every_promise_of_an_injector() -> None:
    """The injector keeps whatever the framework relies on."""
    check_injector(Busy)
