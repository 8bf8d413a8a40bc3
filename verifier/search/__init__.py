"""The search: fast, floating point where that helps, and believed by no one."""
