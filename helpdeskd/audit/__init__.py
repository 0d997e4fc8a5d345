"""Do the records agree? Everything accepted is in the spool, parked, or has its outcome; every blob named is there."""
