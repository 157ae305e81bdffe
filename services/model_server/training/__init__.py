"""How Kompress is trained, exported, compared and judged. Never imported at run time."""
