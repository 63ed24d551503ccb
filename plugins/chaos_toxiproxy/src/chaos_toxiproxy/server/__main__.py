"""``python -m chaos_toxiproxy.server``: the embedded server, started by hand."""

import sys

from chaos_toxiproxy.server.options import parse
from chaos_toxiproxy.server.running import main

if __name__ == "__main__":
    sys.exit(main(parse()))
