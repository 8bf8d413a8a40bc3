"""VNN-LIB 1.0 and 2.0: what is asked of which networks, read exactly."""
