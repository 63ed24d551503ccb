from collections.abc import Callable

import pytest
from click.shell_completion import ShellComplete
from click.testing import Result

from chaoscore.cli import main


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_for_each_shell(chaos: Callable[..., Result], shell: str) -> None:
    """The script asks this program what can come next."""
    assert "_CHAOSCORE_COMPLETE" in chaos("completion", shell).stdout


def test_another_shell_is_refused(chaos: Callable[..., Result]) -> None:
    """Only the three are known."""
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish'" in chaos("completion", "tcsh", code=2).stderr


def complete(*words: str) -> list[tuple[str, str]]:
    """What could be the last of *words*, each with its type."""
    shell = ShellComplete(main, {}, "chaoscore", "_CHAOSCORE_COMPLETE")
    return [(each.value, each.type) for each in shell.get_completions(list(words[:-1]), words[-1])]


def test_commands_and_options_are_completed() -> None:
    """Names are completed from their beginnings."""
    assert complete("pl") == [("plan", "plain"), ("plugins", "plain")]
    assert ("--workers", "plain") in complete("run", "--wo")


def test_files_are_completed_by_the_shell() -> None:
    """A scenario is completed as a path."""
    assert complete("run", "exam") == [("exam", "file")]
