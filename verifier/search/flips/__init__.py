"""Points at which the label flips, evaluated exactly."""
