import json
from collections.abc import Callable

from click.testing import Result


def test_the_schema_is_printed(chaos: Callable[..., Result]) -> None:
    """The output is the JSON Schema and nothing else."""
    assert json.loads(chaos("schema").stdout)["title"] == "chaoscore scenario"
