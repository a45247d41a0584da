"""BGP-4 speaker library."""
