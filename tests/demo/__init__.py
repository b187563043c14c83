"""The demo: real rotations under load, drawn as a timeline (demo.py)."""
