"""One file for each change of the schema, named REVISION_what.py. docs/store.md says how to write one."""
