"""Where mail comes in. Each source ends in spool.put; only then does it say 250 or mark it seen."""
