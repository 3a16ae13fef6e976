# Written by clients/python/generate_sync.py from _async; do not edit.
