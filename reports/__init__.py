"""Pages and figures made from what a run stored; nothing is solved here."""
