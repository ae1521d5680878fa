"""Tests of what the stack decides, without starting it."""
