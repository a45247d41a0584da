"""ARP responder for addresses that no interface holds."""
