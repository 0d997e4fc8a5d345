"""Who may come in: passwords, one-time codes, addresses, credentials that were proved lately, rates. No HTTP in it."""
