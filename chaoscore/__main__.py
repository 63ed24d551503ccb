"""``python -m chaoscore``."""

from chaoscore.cli import main

main()
