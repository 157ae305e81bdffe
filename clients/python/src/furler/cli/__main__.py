"""``python -m furler.cli``."""

from furler.cli import main

if __name__ == "__main__":
    main(prog_name="furler")
