"""What does nothing, in the forms that are measured."""


class Target:
    """A system under test without hooks."""


def step(target: object) -> None:
    """Do nothing; a step of chaoscore."""


async def async_step(target: object) -> None:
    """Do nothing, as a coroutine."""


def action() -> None:
    """Do nothing; an action of the Chaos Toolkit."""


def before_activity_control(context: object) -> None:
    """Do nothing before every activity; half of a control of the Chaos Toolkit."""


def after_activity_control(context: object) -> None:
    """Do nothing after it; the other half."""
