"""The reporters of the core: each shows a run, and changes nothing."""

from chaoscore.reporters.console import Console
from chaoscore.reporters.events import Events
from chaoscore.reporters.json import Json
from chaoscore.reporters.junit import Junit
from chaoscore.reporters.markdown import Markdown

console = Console
events = Events
json = Json
junit = Junit
markdown = Markdown

__all__ = ["console", "events", "json", "junit", "markdown"]
