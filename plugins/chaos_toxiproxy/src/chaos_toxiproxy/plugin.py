"""What chaos-toxiproxy offers to scenarios."""

from __future__ import annotations

from collections.abc import Mapping

from chaoscore import Checkup, InjectorType, ProviderType, UndoAction, hookimpl


@hookimpl
def chaos_providers() -> tuple[ProviderType, ...]:
    """Offer proxies."""
    from chaos_toxiproxy.providing import Proxies

    return (Proxies,)


@hookimpl
def chaos_injectors() -> tuple[InjectorType, ...]:
    """Offer network faults."""
    from chaos_toxiproxy import exchanges, packets, toxics
    from chaos_toxiproxy.cutting import Down

    return (
        Down,
        toxics.Bandwidth,
        toxics.Latency,
        toxics.LimitData,
        toxics.ResetPeer,
        toxics.Slicer,
        toxics.SlowClose,
        toxics.Timeout,
        toxics.Toxic,
        packets.Corrupt,
        packets.Duplicate,
        packets.Loss,
        packets.Reorder,
        exchanges.HttpAbort,
        exchanges.HttpBody,
        exchanges.HttpDelay,
        exchanges.HttpHeaders,
        exchanges.HttpStatus,
    )


@hookimpl
def chaos_undos() -> Mapping[str, UndoAction]:
    """Offer what takes back what was done to a server that runs on."""
    from chaos_toxiproxy.cutting import ENABLE
    from chaos_toxiproxy.providing import REMOVE_PROXY
    from chaos_toxiproxy.striking import REMOVE_TOXIC
    from chaos_toxiproxy.undoing import Enable, RemoveProxy, RemoveToxic

    return {ENABLE: Enable(), REMOVE_PROXY: RemoveProxy(), REMOVE_TOXIC: RemoveToxic()}


@hookimpl
def chaos_checkups() -> Mapping[str, Checkup]:
    """Offer a trial of the embedded server."""
    from chaos_toxiproxy.checkups import CHECKUPS

    return CHECKUPS
