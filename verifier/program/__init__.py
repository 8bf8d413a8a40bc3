"""A question as a mixed-integer linear program, exactly; solvers and files are for others."""
