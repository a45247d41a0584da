"""Other implementations in Python, each used as its own code uses itself."""
