"""Tests of the stack's parts, really started."""
