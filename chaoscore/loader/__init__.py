"""From a scenario file, TOML or Python, to a scenario, with everything that is wrong with it at once."""

from chaoscore.loader.files import load, split_origin

__all__ = ["load", "split_origin"]
