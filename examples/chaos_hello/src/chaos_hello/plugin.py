"""What this plugin offers."""

import chaos_hello
import chaoscore


@chaoscore.hookimpl
def chaos_injectors() -> tuple[chaoscore.InjectorType, ...]:
    """Offer the busy component."""
    return (chaos_hello.Busy,)
