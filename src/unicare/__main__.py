"""``python -m unicare`` is the command line."""

from unicare.cli import main

if __name__ == "__main__":
    main()
