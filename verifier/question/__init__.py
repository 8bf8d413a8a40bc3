"""What is asked: numbers, networks, regions, goals, and the errors of whoever asks."""
