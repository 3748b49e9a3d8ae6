"""Generated from the project's proto files by generate.py; never edited."""
