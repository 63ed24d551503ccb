"""x"""
import attrs
from typing import ClassVar
@attrs.define
class Html:
    path: str
    kind: ClassVar[str] = "html"
    def report(self, report): ...
