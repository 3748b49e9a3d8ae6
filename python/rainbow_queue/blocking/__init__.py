"""The blocking client. The one for asyncio is made of it, file by file (twins.py)."""
