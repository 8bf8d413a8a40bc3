"""What is handed over: proofs and flips as text, and the files that hold networks and data."""
