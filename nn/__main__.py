"""`python -m nn` is the console command `autograd-lite`."""

import sys

from nn.cli.command import main

if __name__ == "__main__":
    sys.exit(main())
