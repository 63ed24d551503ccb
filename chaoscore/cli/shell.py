"""Between the commands and the shell: output, errors as messages, exit codes."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import click
from click.shell_completion import CompletionItem

from chaoscore.cli.extensions import extensions, load
from chaoscore.errors import (
    ChaosError,
    EventLogError,
    FaultsLeftError,
    InvalidScenarioError,
    PluginError,
    ScenarioError,
)

USAGE, UNKNOWN, INVALID, FAULTS_LEFT, INTERRUPTED = 2, 3, 4, 6, 130
"""Of `chaoscore.verdict.ExitCode`, which takes a while to import; a test compares them."""


class Commands(click.Group):
    """A group of commands, the core's and those of plugins, whose errors are messages, not tracebacks."""

    def main(self, *args: Any, **keywords: Any) -> Any:
        """Run the program. Its exit code is the command's, whatever became of the standard streams."""
        _stand_in()
        try:
            return super().main(*args, **keywords)
        except OSError as error:  # of a full disk, or of a terminal that is gone
            with suppress(OSError):
                click.echo(f"Error: {printable(str(error))}", err=True)
            sys.exit(UNKNOWN)
        finally:
            settle()

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that *ctx* names."""
        try:
            return super().invoke(ctx)
        except ChaosError as error:
            click.echo(f"Error: {printable(str(error))}", err=True)
            ctx.exit(code_of(error))
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:
            _hush(sys.stdout)
            ctx.exit(0)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands in the order of their use, and of those that plugins bring."""
        return list(dict.fromkeys([*self.commands, *extensions()]))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name; a plugin is imported only for its own."""
        return super().get_command(ctx, cmd_name) or load(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the core's own commands; looking for those of plugins would double the time that help takes."""
        width = formatter.width - 6 - max(map(len, self.commands))
        with formatter.section("Commands"):
            formatter.write_dl([(name, each.get_short_help_str(width)) for name, each in self.commands.items()])
        formatter.write_paragraph()
        formatter.write_text("Plugins bring further commands: see `chaoscore plugins`.")


def _as_path(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(incomplete, type="file")]


file_argument = click.argument("file", metavar="FILE[:NAME]", shell_complete=_as_path)
"""The scenario that a command is about; shells complete it as a path."""


def code_of(error: ChaosError) -> int:
    """Return the exit code for *error*: a plugin that cannot be used is not the scenario's fault."""
    if isinstance(error, InvalidScenarioError):
        causes = [each.__cause__ for each in error.problems]
        return UNKNOWN if causes and all(isinstance(each, PluginError) for each in causes) else INVALID
    kinds = {ScenarioError: INVALID, EventLogError: USAGE, FaultsLeftError: FAULTS_LEFT}
    return next((code for kind, code in kinds.items() if isinstance(error, kind)), UNKNOWN)


def emit(text: str) -> None:
    """Write *text* to the standard output; a reader that has gone, as in ``| head``, is no error."""
    try:
        click.echo(text, nl=not text.endswith("\n"))
    except BrokenPipeError:
        _hush(sys.stdout)


def settle() -> None:
    """Write what is still to be written to the standard streams; what nobody takes is dropped."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError as error:
            _hush(stream)
            if error.errno != errno.EPIPE and stream is sys.stdout:
                with suppress(OSError):
                    click.echo(f"Error: cannot write the standard output: {error.strerror}", err=True)


def _stand_in() -> None:
    """Let the standard streams that are closed, as by ``>&-``, lead nowhere: else the next file took their place."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(nowhere, True)
            setattr(sys, name, os.fdopen(nowhere, mode))


def _hush(stream: TextIO) -> None:
    """Send what was written to *stream* nowhere, so that the interpreter's last flush succeeds."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def printable(text: str) -> str:
    """Return *text* with everything that could move a cursor shown by its escape; line breaks stay."""
    return "".join(each if each.isprintable() or each == "\n" else repr(each)[1:-1] for each in text)


def program() -> list[str]:
    """Return the words that start this program again from the same shell."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return [_shortest("python", Path(sys.executable)), "-m", "chaoscore"]
    return [_shortest("chaoscore", called)]


def _shortest(name: str, path: Path) -> str:
    """Return *name* where the shell finds *path* by it, else *path*."""
    found = shutil.which(name)
    return name if found is not None and Path(found).absolute() == path.absolute() else str(path)
