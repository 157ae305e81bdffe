"""One compressor per file, independent of each other: ``plan(source, policy) -> Draft | None``."""
