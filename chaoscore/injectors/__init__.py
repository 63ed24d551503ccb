"""The injectors that need nothing but the standard library."""

from chaoscore.injectors.cancelling import Cancellation as cancellation
from chaoscore.injectors.composites import Composite as composite
from chaoscore.injectors.delays import DelayInjector as delay
from chaoscore.injectors.networks import Network as network
from chaoscore.injectors.raising import ErrorInjector as error
from chaoscore.injectors.raising import PanicInjector as panic

__all__ = ["cancellation", "composite", "delay", "error", "network", "panic"]
