"""`python -m benchmarks.fuzz`; the work is in `command`, which other processes can import."""

import sys

from benchmarks.fuzz.command import main

if __name__ == "__main__":
    sys.exit(main())
