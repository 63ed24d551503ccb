"""
The reporters of the core: each shows a run, and changes nothing.

Beside them stands what the authors of reporters share: `visible` and others make text from the system under test safe
to show, `landed`, `occurrence` and `success` say in words what a report holds, `share_done` and `left_s` how far a run
has come, and `file_path` and `write_whole` write a file whole or not at all.
"""

from chaoscore.reporters.console import Console as console
from chaoscore.reporters.events import Events as events
from chaoscore.reporters.files import file_path, write_whole
from chaoscore.reporters.json import Json as json
from chaoscore.reporters.junit import Junit as junit
from chaoscore.reporters.markdown import Markdown as markdown
from chaoscore.reporters.progress import left_s, share_done
from chaoscore.reporters.text import landed, occurrence, success
from chaoscore.reporters.visible import count, date, near, percent, visible, visible_lines

__all__ = [
    "console",
    "count",
    "date",
    "events",
    "file_path",
    "json",
    "junit",
    "landed",
    "left_s",
    "markdown",
    "near",
    "occurrence",
    "percent",
    "share_done",
    "success",
    "visible",
    "visible_lines",
    "write_whole",
]
