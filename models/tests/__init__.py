"""Tests of the pipeline: `python3 -m models.pipeline test`."""
